"""A context begun ahead of its use is left in every case, and only then is its user's own over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from oneshot_orchestrator.ahead import begun


class Place:
    """A context that takes a moment to enter and to leave, and writes down what happens."""

    def __init__(self, error: Exception | None = None) -> None:
        self.log: list[str] = []
        self._error = error

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        self.log.append("begun")
        try:
            await asyncio.sleep(0.01)
            if self._error:
                raise self._error
            self.log.append("entered")
            yield "it"
        finally:
            await asyncio.sleep(0.01)
            self.log.append("left")


async def test_it_is_entered_meanwhile() -> None:
    place = Place()
    async with begun(place.open()) as entering:
        await asyncio.sleep(0.03)
        assert place.log == ["begun", "entered"]
        assert await entering == "it"
    assert place.log == ["begun", "entered", "left"]


async def test_what_was_not_waited_for_is_left_as_well() -> None:
    place = Place()
    async with begun(place.open()):
        await asyncio.sleep(0)
    assert place.log == ["begun", "left"]


async def test_an_error_is_raised_where_it_is_waited_for_and_else_nowhere() -> None:
    place = Place(OSError("full"))
    with pytest.raises(OSError, match="full"):
        async with begun(place.open()) as entering:
            await entering
    async with begun(Place(OSError("full")).open()):
        await asyncio.sleep(0.03)


@pytest.mark.parametrize("seconds", [0, 0.005, 0.02])
async def test_cancelled_at_any_moment_it_is_left_before_the_user_ends(seconds: float) -> None:
    place = Place()

    async def use() -> None:
        async with begun(place.open()) as entering:
            await entering
            await asyncio.sleep(60)

    using = asyncio.create_task(use())
    await asyncio.sleep(0)
    await asyncio.sleep(seconds)
    using.cancel()
    await asyncio.wait([using])
    assert using.cancelled()
    assert place.log in (["begun", "left"], ["begun", "entered", "left"], [])

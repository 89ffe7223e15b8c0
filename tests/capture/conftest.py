"""Fixtures of the capture service's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("capture.harness")

from capture import harness  # noqa: E402 -- after its assertions are made to explain themselves


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[harness.House]:
    """A served capture service; nothing half-written may be left at its end."""
    async with harness.house(tmp_path) as made:
        yield made
        await made.capture.finish()
        assert made.leftovers() == []

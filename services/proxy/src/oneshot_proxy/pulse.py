"""The event loop's pulse: says when one of its turns was long, for as long all streams stood still. It costs an idle loop nothing."""

import asyncio
import selectors
import time

from oneshot_shared import logs

LONG_SECONDS = 0.05
_NOTED_SECONDS = 0.01


class _Selector(selectors.DefaultSelector):
    """Every turn of asyncio's loop begins where a `select` returns, and ends where the next one is called."""

    def __init__(self) -> None:
        super().__init__()
        self._woke = time.perf_counter()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready."""
        seconds = time.perf_counter() - self._woke
        if seconds >= _NOTED_SECONDS:
            say = logs.get().warning if seconds >= LONG_SECONDS else logs.get().debug
            say("a long turn of the event loop", seconds=round(seconds, 4))
        found: list[tuple[selectors.SelectorKey, int]] = super().select(timeout)
        self._woke = time.perf_counter()
        return found


def loop() -> asyncio.AbstractEventLoop:
    """A loop that says so."""
    return asyncio.SelectorEventLoop(_Selector())

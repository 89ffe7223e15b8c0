"""The event loop's pulse: says when one of its turns was long, for as long all streams stood still. It costs an idle loop nothing."""

import asyncio
import selectors
import time

from oneshot_shared import logs

LONG_SECONDS = 0.05
TURN = "a long turn of the event loop"
_NOTED_SECONDS = 0.01
_START_SECONDS = 5.0  # a start is one long turn after the other, and nobody streams yet


class _Selector(selectors.DefaultSelector):
    """Every turn of asyncio's loop begins where a `select` returns, and ends where the next one is called."""

    def __init__(self, start_seconds: float) -> None:
        super().__init__()
        self._woke, self._used = time.perf_counter(), time.thread_time()
        self._since = self._woke + start_seconds

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready."""
        seconds = time.perf_counter() - self._woke
        if seconds >= _NOTED_SECONDS and self._woke >= self._since:
            say = logs.get().warning if seconds >= LONG_SECONDS else logs.get().debug
            say(TURN, seconds=round(seconds, 4), cpu_seconds=round(time.thread_time() - self._used, 4))
        found: list[tuple[selectors.SelectorKey, int]] = super().select(timeout)
        self._woke, self._used = time.perf_counter(), time.thread_time()
        return found


def loop(start_seconds: float = _START_SECONDS) -> asyncio.AbstractEventLoop:
    """A loop that says so, once it has run for some seconds."""
    return asyncio.SelectorEventLoop(_Selector(start_seconds))

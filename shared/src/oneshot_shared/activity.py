"""What a service is doing: open calls, and whatever else it says keeps it busy."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Activity:
    """Counts open calls and remembers when the last one ended."""

    def __init__(self, busy: Callable[[], str] = lambda: "") -> None:
        self._busy = busy
        self._open = 0
        self._last = time.monotonic()

    @contextmanager
    def call(self) -> Iterator[None]:
        """Wrap one call."""
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
            self._last = time.monotonic()

    def busy(self) -> str:
        """A few words on what keeps the service busy; empty when idle."""
        words = self._busy() or (f"{self._open} open calls" if self._open else "")
        if words:
            self._last = time.monotonic()
        return words

    def idle_seconds(self) -> float:
        """Seconds since the service was last busy."""
        return 0.0 if self.busy() else time.monotonic() - self._last

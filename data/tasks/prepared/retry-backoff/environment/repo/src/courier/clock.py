"""Where time comes from."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tests bring one that passes only when told to."""

    def time(self) -> float:
        """Seconds since the epoch. May jump when the machine's clock is set."""

    def monotonic(self) -> float:
        """Seconds since some moment. Never jumps: measure with it."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""


class SystemClock:
    """The machine's."""

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

"""How much a sandbox may write: what its task asks for, or else the setting."""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from oneshot_orchestrator.contract import Environment
from oneshot_orchestrator.settings import OrchestratorSettings

_FIRST_SECONDS, _SECONDS = 0.5, 4.0
_LONGEST = 15.0
_SHARE = 20  # of the time between two looks, a look takes at the most this part


def limit(settings: OrchestratorSettings, environment: Environment) -> int:
    """What a sandbox may write, in bytes."""
    return (environment.resources.storage_mb or settings.storage_mb) * 2**20


async def until_full(written: Callable[[], Awaitable[int]], limit: int) -> None:
    """Return once more is written than may be. Nobody tells us, so we look: often at first, later every few seconds."""
    pause = _FIRST_SECONDS
    while True:
        await asyncio.sleep(pause)
        before = time.monotonic()
        if await written() > limit:
            return
        pause = min(_LONGEST, max(min(_SECONDS, pause * 2), _SHARE * (time.monotonic() - before)))


def used(folder: Path) -> int:
    """What is below a folder, in bytes on disk; whatever goes away meanwhile does not count."""
    total = 0
    for top, folders, files in os.walk(folder):
        for name in folders + files:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(top, name)).st_blocks * 512  # noqa: PTH118 -- for speed
    return total

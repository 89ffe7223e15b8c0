"""Environments on our side: `data/state/environments/<key>/` with the base as files and as git objects."""

import asyncio
import shutil
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path

from oneshot_orchestrator import git
from oneshot_shared.errors import BadInput


class Records:
    """Makes each record once, whoever asks, in the place where it stays: virtual environments hold absolute paths."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, key: str) -> Path:
        """Where a record is, or will be."""
        return self._folder / key

    async def make(self, key: str, fill: Callable[[Path], Awaitable[None]]) -> Path:
        """The record of a key; `fill` makes `base/` in a new folder where there is no complete one yet."""
        async with self._locks[key]:
            home = self.path(key)
            if not (home / "complete").exists():
                shutil.rmtree(home, ignore_errors=True)
                home.mkdir()
                await fill(home)
                await git.record_base(home)
                (home / "complete").touch()
            return home

    def lock(self, key: str) -> asyncio.Lock:
        """For work that belongs to a key and must happen once at a time."""
        return self._locks[f"{key} "]


def last_words(log: Path, lines: int = 8) -> str:
    """The end of a log for an error sentence."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(text.strip().splitlines()[-lines:])


def does_not_build(slug: str, what: str, log: Path) -> BadInput:
    """The one sentence for an environment that does not build, with its last lines."""
    return BadInput(f"the environment of {slug!r} does not build: {what}. Its last lines:\n{last_words(log)}")

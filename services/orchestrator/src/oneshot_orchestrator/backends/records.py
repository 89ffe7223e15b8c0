"""Environments on our side: folders `<key>.<random>/` with the base as files and as git objects."""

import asyncio
import hashlib
import os
import stat
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import mkdtemp

from oneshot_orchestrator import folders, git
from oneshot_shared.errors import BadInput

_SEAL = "complete"


class Records:
    """Makes each record once, whoever asks, in the place where it stays: virtual environments hold absolute paths.

    A record is sealed with a digest of what lies in it. One that differs from its seal is made anew in another place, and
    goes when nobody is at work in it any more.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._users: Counter[Path] = Counter()
        folder.mkdir(parents=True, exist_ok=True)

    async def make(self, key: str, fill: Callable[[Path], Awaitable[None]]) -> Path:
        """The record of a key; `fill` makes `base/` in a new folder where there is none that is whole."""
        async with self._locks[key]:
            for home in sorted(self._folder.glob(f"{key}.*")):
                if await asyncio.to_thread(_is_whole, home):
                    return home
                await folders.on_thread(folders.remove, home / _SEAL)
                await self._clear(home)
            home = Path(mkdtemp(prefix=f"{key}.", dir=self._folder))
            try:
                await fill(home)
                await git.record_base(home)
                (home / _SEAL).write_text(await folders.on_thread(_digest, home))
            except BaseException:
                await folders.on_thread(folders.remove, home)
                raise
            return home

    @asynccontextmanager
    async def used(self, home: Path) -> AsyncIterator[None]:
        """Somebody is at work in a record. To be entered without an await after `make`: until then it may go."""
        self._users[home] += 1
        try:
            yield
        finally:
            self._users[home] -= 1
            await self._clear(home)

    async def sweep(self) -> None:
        """Remove what an earlier process left half-made or unsealed."""
        for home in self._folder.iterdir():
            await self._clear(home)

    async def _clear(self, home: Path) -> None:
        """Remove a record without seal, unless somebody is at work in it."""
        if not self._users[home] and not (home / _SEAL).exists():
            await folders.on_thread(folders.remove, home)

    def lock(self, key: str) -> asyncio.Lock:
        """For work that belongs to a key and must happen once at a time."""
        return self._locks[f"{key} "]


def _is_whole(home: Path) -> bool:
    try:
        return (home / _SEAL).read_text() == _digest(home)
    except (OSError, ValueError):  # a seal may be any bytes
        return False


def _digest(home: Path) -> str:
    """Over what lies in a record without reading it: names, modes, sizes, and the times that no program can set."""
    total = hashlib.sha256()
    for parent, inner, files in os.walk(home):
        inner.sort()
        freshened = Path(parent).is_relative_to(home / "git" / "objects")  # git itself sets these times
        for name in sorted(inner + files):
            path = Path(parent, name)
            status = path.lstat()
            if path == home / _SEAL:
                continue
            changed = 0 if freshened else status.st_ctime_ns
            told = () if stat.S_ISDIR(status.st_mode) else (status.st_size, changed)
            total.update(f"{os.fsencode(path)!r} {status.st_mode} {told}\n".encode())
    return total.hexdigest()


def last_words(log: Path, lines: int = 8) -> str:
    """The end of a log for an error sentence."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(text.strip().splitlines()[-lines:])


def does_not_build(slug: str, what: str, log: Path) -> BadInput:
    """The one sentence for an environment that does not build, with its last lines."""
    return BadInput(f"the environment of {slug!r} does not build: {what}. Its last lines:\n{last_words(log)}")

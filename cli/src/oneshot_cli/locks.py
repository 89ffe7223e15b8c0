"""File locks: one ends with its process, so that no crash leaves a mark that says "running"."""

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

from oneshot_shared.errors import NotReady

_PAUSE_SECONDS = 0.05


@contextmanager
def opened(file: Path, mode: str = "a") -> Iterator[IO[str]]:
    """A lock's file. :raises NotReady: it is another user's, whose stack serves the same data."""
    try:
        with file.open(mode) as it:
            owner = os.fstat(it.fileno()).st_uid
            if owner == os.getuid():
                yield it
                return
    except PermissionError:
        owner = None
    whose = "another user" if owner is None else f"user {owner}"
    raise NotReady(
        f"{file} belongs to {whose}, and each user needs a stack of their own; set ONESHOT_DATA to a folder of yours"
    )


def take(descriptor: int) -> bool:
    """Take the lock of an open file, where nobody has it."""
    return _flock(descriptor, fcntl.LOCK_EX)


def is_held(file: Path) -> bool:
    """Whether somebody has taken it. Asking only shares it: those who ask at once do not see each other."""
    try:
        with opened(file, "r") as it:
            return not _flock(it.fileno(), fcntl.LOCK_SH)
    except (FileNotFoundError, NotADirectoryError):
        return False


@asynccontextmanager
async def held(file: Path, timeout: float, otherwise: str) -> AsyncIterator[None]:
    """Hold a lock, waiting for it where needed. :raises NotReady: with `otherwise`, when somebody else keeps it."""
    with opened(file) as it:
        until = time.monotonic() + timeout
        while not take(it.fileno()):
            if time.monotonic() > until:
                raise NotReady(otherwise)
            await asyncio.sleep(_PAUSE_SECONDS)
        yield


def _flock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

"""Packs that clients have sent, kept by their SHA-256 until they are used, or others need the room."""

import asyncio
import contextlib
import hashlib
import os
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import mkstemp

from oneshot_shared.errors import BadInput, NotReady

_NEW = ".new-"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_AT_ONCE = 4
_KEPT = 4  # times what one may have
_KEPT_SECONDS = 24 * 3600.0
_PIECE_SECONDS = 60.0


class Packs:
    """A folder of packs. At most `most` bytes each, so many times that in all, for a day."""

    def __init__(self, folder: Path, most: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for half in folder.glob(f"{_NEW}*"):  # an earlier process was killed
            half.unlink()
        self._folder = folder
        self._most = most
        self._open = 0

    async def take(self, pieces: AsyncIterator[bytes]) -> str:
        """Keep a pack; returns its SHA-256. The same again is harmless.

        :raises BadInput: it is none, or too large. NotReady: others are being sent. TimeoutError: nothing came for a minute.
        """
        if self._open >= _AT_ONCE:
            raise NotReady(f"{self._open} packs are being sent already; send this one in a minute")
        self._open += 1
        descriptor, name = mkstemp(prefix=_NEW, dir=self._folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                digest = await self._write(pieces, file.fileno())
            Path(name).replace(self._file(digest))
        finally:
            self._open -= 1
            Path(name).unlink(missing_ok=True)
        self._sweep(digest)
        return digest

    async def _write(self, pieces: AsyncIterator[bytes], file: int) -> str:
        total, size = hashlib.sha256(), 0
        while True:
            async with asyncio.timeout(_PIECE_SECONDS):
                piece = await anext(pieces, None)
            if piece is None:
                break
            if not size and piece and not piece.startswith(b"PACK"[: len(piece)]):
                raise BadInput("what was sent is no git pack; send the output of `git pack-objects --stdout`")
            size += len(piece)
            if size > self._most:
                raise BadInput(
                    f"the pack is larger than {self._most} bytes, the allowed maximum; leave large files out"
                )
            total.update(piece)
            await asyncio.to_thread(_write_all, file, piece)
        if not size:
            raise BadInput("the pack is empty; send the output of `git pack-objects --stdout`")
        return total.hexdigest()

    def find(self, digest: str) -> Path:
        """The file of a pack. :raises BadInput: there is none of that digest."""
        if not _DIGEST.fullmatch(digest) or not self._file(digest).is_file():
            raise BadInput(
                f"there is no pack {digest[:100]!r} here; send it with PUT /packs, which answers its digest, and give that"
            )
        os.utime(self._file(digest))
        return self._file(digest)

    def _file(self, digest: str) -> Path:
        return self._folder / f"{digest}.pack"

    def _sweep(self, newest: str) -> None:
        """Remove what is old, and the oldest of what is too much."""
        room = (_KEPT - 1) * self._most
        kept = [file for file in self._folder.glob("*.pack") if file != self._file(newest)]
        for file in sorted(kept, key=lambda each: each.stat().st_mtime, reverse=True):
            found = file.stat()
            room -= found.st_size
            if room < 0 or time.time() - found.st_mtime > _KEPT_SECONDS:
                with contextlib.suppress(FileNotFoundError):
                    file.unlink()


def _write_all(file: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(file, view) :]

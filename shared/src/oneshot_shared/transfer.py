"""Large content over a gRPC stream: pieces, and in the last message the SHA-256 of them all."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Iterator
from typing import IO, Self

from oneshot_shared import archive
from oneshot_shared.errors import BadInput

CHUNK_BYTES = 1024 * 1024


async def outgoing(chunks: Iterator[bytes]) -> AsyncIterator[tuple[bytes, str]]:
    """What the messages hold: a chunk and no checksum, until the last holds the checksum alone. `chunks` may block."""

    async def read() -> AsyncIterator[bytes]:
        while chunk := await asyncio.to_thread(next, chunks, b""):
            yield chunk

    async for message in summed(read()):
        yield message


async def summed(pieces: AsyncIterator[bytes]) -> AsyncIterator[tuple[bytes, str]]:
    """The same for what comes asynchronously, in pieces of any size."""
    total = hashlib.sha256()
    async for piece in pieces:
        total.update(piece)
        for start in range(0, len(piece), CHUNK_BYTES):
            yield piece[start : start + CHUNK_BYTES], ""
    yield b"", total.hexdigest()


class Incoming:
    """Takes the messages of one stream; `whole` gives the content when it is complete and undamaged.

    It is kept in `file`, which this closes, or else in memory or a temporary file.
    """

    def __init__(self, limit: int, file: IO[bytes] | None = None) -> None:
        self._file = file or archive.spool([])
        self._total = hashlib.sha256()
        self._limit = limit
        self._size = 0
        self._checksum = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def take(self, chunk: bytes, checksum: str) -> None:
        """A message's piece. :raises BadInput: more than `limit` bytes, or something after the end."""
        if self._checksum:
            raise BadInput("the stream goes on after its checksum; send the checksum in the last message")
        self._size += len(chunk)
        if self._size > self._limit:
            raise BadInput(f"the content is larger than {self._limit} bytes, the allowed maximum; make it smaller")
        self._total.update(chunk)
        self._file.write(chunk)
        self._checksum = checksum

    def whole(self) -> IO[bytes]:
        """The content at its beginning, open until this ends. :raises BadInput: it was cut off or damaged on its way."""
        found = self._total.hexdigest()
        if not self._checksum:
            raise BadInput(f"the stream ended after {self._size} bytes without its checksum; send it again")
        if not hmac.compare_digest(found.encode(), self._checksum.encode()):
            raise BadInput(
                f"the {self._size} bytes have the checksum {found}, not {self._checksum!r} as sent; send them again"
            )
        self._file.seek(0)
        return self._file

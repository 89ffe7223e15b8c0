"""From ranges to bodies again. Everything raises ValueError, and says what is wrong, where the file holds less than it should."""

import json
import sqlite3
from collections import OrderedDict

import zstandard

from oneshot_proxy.storage.stream import Ranges

_CACHE_BYTES = 32 * 1024 * 1024
_CACHE_REQUESTS = 16
_PIECE = """
SELECT start, data FROM (
  SELECT start, data FROM blocks WHERE session = :number AND start <= :at UNION ALL
  SELECT start, data FROM hot WHERE session = :number AND start <= :at
) ORDER BY start DESC LIMIT 1
"""


class Rebuilder:
    """Rebuilds the bodies of one session; quick where calls are asked for in their order."""

    def __init__(self, connection: sqlite3.Connection, number: int) -> None:
        self._connection = connection
        self._number = number
        self._pieces: OrderedDict[int, bytes] = OrderedDict()
        self._requests: OrderedDict[int, Ranges] = OrderedDict()

    def request(self, seq: int) -> bytes:
        """A call's request body. :raises ValueError: it cannot be rebuilt."""
        ranges = self._ranges(seq)
        self._requests[seq] = ranges
        if len(self._requests) > _CACHE_REQUESTS:
            self._requests.popitem(last=False)
        return self.body(ranges)

    def body(self, ranges: Ranges) -> bytes:
        """The bytes at some ranges of the stream. :raises ValueError: they are not there."""
        out = bytearray()
        for start, length in ranges:
            at, end = start, start + length
            while at < end:
                first, piece = self._piece(at)
                taken = memoryview(piece)[at - first : end - first]
                if not taken:
                    raise ValueError(f"bytes {at} to {end} of its stream are missing")
                out += taken
                at += len(taken)
        return bytes(out)

    def _ranges(self, seq: int) -> Ranges:
        """All of a request's ranges: its own, before them the parent's as far as they are kept, and so on."""
        parts: list[Ranges] = []
        limit: int | None = None
        while seq:
            if seq in self._requests:
                parts.append(_cut(self._requests[seq], limit))
                break
            query = "SELECT parent, kept, request FROM calls WHERE session = ? AND seq = ?"
            row = self._connection.execute(query, (self._number, seq)).fetchone()
            if row is None or row[0] >= seq > 0:
                raise ValueError(f"call {seq}, on which its request builds, is missing")
            parent, kept, own = row
            parts.append(_cut(json.loads(own), None if limit is None else max(0, limit - kept)))
            limit = kept if limit is None else min(limit, kept)
            seq = parent
        return [each for part in reversed(parts) for each in part]

    def _piece(self, at: int) -> tuple[int, bytes]:
        """The piece of the stream that holds a place, and where it begins."""
        for start, piece in self._pieces.items():
            if start <= at < start + len(piece):
                self._pieces.move_to_end(start)
                return start, piece
        row = self._connection.execute(_PIECE, {"number": self._number, "at": at}).fetchone()
        if row is None:
            raise ValueError(f"byte {at} of its stream is missing")
        try:
            piece = zstandard.decompress(row[1])
        except zstandard.ZstdError as error:
            raise ValueError(f"a block of its stream is broken: {error}") from None
        self._pieces[row[0]] = piece
        while len(self._pieces) > 1 and sum(map(len, self._pieces.values())) > _CACHE_BYTES:
            self._pieces.popitem(last=False)
        return row[0], piece


def _cut(ranges: Ranges, limit: int | None) -> Ranges:
    """The ranges up to so many bytes."""
    if limit is None:
        return ranges
    found: Ranges = []
    for start, length in ranges:
        if limit <= 0:
            break
        found.append([start, min(length, limit)])
        limit -= length
    return found

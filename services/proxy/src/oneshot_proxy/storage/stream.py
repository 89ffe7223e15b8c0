"""One session's stream while calls are added to it: what of a body is new, and which ranges it becomes.

Memory is bounded, and everything in it may be forgotten at any time: then a body is stored once more, and nothing else happens.
"""

import hashlib
import zlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from oneshot_proxy.storage.segments import cuts

MAX_KNOWN = 16_384
"""Pieces of all sessions that are found again: some 200 bytes of memory each."""
_MAX_THREADS = 16
_MAX_MARKS = 128
_REWRITTEN = 4  # so many of its last items a conversation may send in another form, as Anthropic's cache marks do
DIGEST_BYTES = 16
"""Checksums are the first bytes of a SHA-256."""
_TAIL = 256
type Ranges = list[list[int]]


class Known:
    """Where in its session's stream a piece lies, for the pieces last seen in all sessions."""

    def __init__(self) -> None:
        self._starts: OrderedDict[bytes, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._starts)

    def find(self, key: bytes) -> int | None:
        """Its place."""
        if (start := self._starts.get(key)) is not None:
            self._starts.move_to_end(key)
        return start

    def add(self, key: bytes, start: int) -> None:
        """Remember a piece."""
        self._starts[key] = start
        if len(self._starts) > MAX_KNOWN:
            self._starts.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Mark:
    """A cut in a request and the array it lies in; SHA-256 of all that stands before it, and CRC of the end of that."""

    end: int
    array: str
    digest: bytes
    crc: int


@dataclass
class Thread:
    """A conversation, known by its last request."""

    seq: int
    marks: list[Mark]


@dataclass(frozen=True)
class Request:
    """`kept` bytes of the parent's request, then ranges; `digest` is of the whole."""

    parent: int
    kept: int
    ranges: Ranges
    digest: bytes


@dataclass
class Stream:
    """`number` keeps the pieces of sessions apart. `end` is the stream's length; `new` is what was added since `take`."""

    number: int
    known: Known
    end: int = 0
    new: list[bytes] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)

    def take(self) -> bytes:
        """What was added, once."""
        added, self.new = b"".join(self.new), []
        return added

    def add(self, body: bytes) -> tuple[Ranges, bytes]:
        """Bytes that are no request, always as new ones: their ranges, and their digest."""
        ranges = [[self.end, len(body)]] if body else []
        self.new.append(body)
        self.end += len(body)
        return ranges, hashlib.sha256(body).digest()[:DIGEST_BYTES]

    def request(self, seq: int, body: bytes) -> Request:
        """A request body, after the earlier one with which it shares the most, as far as is remembered.

        Earlier by its number: calls may come here in another order than they began, and a reader wants what it builds on first.
        """
        view = memoryview(body)
        parent, count, digest = self._continued(seq, view)
        marks = parent.marks[:count] if parent else []
        at, array = (marks[-1].end, marks[-1].array) if marks else (0, "")
        kept, ranges = at, list[list[int]]()
        for end, within in cuts(body, at, array):
            self._piece(view[at:end], ranges)
            digest.update(view[at:end])
            marks.append(Mark(end, within, digest.digest()[:DIGEST_BYTES], _crc(view, end)))
            at = end
        self._piece(view[at:], ranges)
        digest.update(view[at:])
        self._remember(Thread(seq, marks[-_MAX_MARKS:]), parent, count)
        return Request(parent.seq if parent else 0, kept, ranges, digest.digest()[:DIGEST_BYTES])

    def _continued(self, seq: int, body: memoryview) -> tuple[Thread | None, int, Any]:
        """The thread that the body goes on with, how many of its marks hold, and the hash of the body up to there."""
        earlier = (thread for thread in self.threads if thread.seq < seq)
        likely = ((thread, count) for thread in earlier if (count := _likely(thread.marks, body)))
        for thread, count in sorted(likely, key=lambda found: -found[0].marks[found[1] - 1].end):
            mark = thread.marks[count - 1]
            digest = hashlib.sha256(body[: mark.end])
            if digest.digest()[:DIGEST_BYTES] == mark.digest:
                return thread, count, digest
        return None, 0, hashlib.sha256()

    def _remember(self, thread: Thread, parent: Thread | None, count: int) -> None:
        """The parent is forgotten when this goes on where it ended, and stays when this is a branch of it."""
        if parent:
            left = sum(mark.array == parent.marks[count - 1].array for mark in parent.marks[count:])
            if left <= _REWRITTEN:
                self.threads.remove(parent)
        self.threads = [thread, *self.threads[: _MAX_THREADS - 1]]

    def _piece(self, piece: memoryview, ranges: Ranges) -> None:
        """One more piece of a body: a range of what is known, else new bytes."""
        if not piece:
            return
        key = hashlib.blake2b(piece, digest_size=DIGEST_BYTES, key=self.number.to_bytes(8)).digest()
        start = self.known.find(key)
        if start is None:
            start = self.end
            self.new.append(bytes(piece))
            self.end += len(piece)
            self.known.add(key, start)
        if ranges and sum(ranges[-1]) == start:
            ranges[-1][1] += len(piece)
        else:
            ranges.append([start, len(piece)])


def _crc(body: memoryview, end: int) -> int:
    return zlib.crc32(body[max(0, end - _TAIL) : end])


def _likely(marks: list[Mark], body: memoryview) -> int:
    """How many marks seem to hold: tried from the last one backwards in steps that grow, then between the last two steps."""

    def holds(count: int) -> bool:
        mark = marks[count - 1]
        return mark.end <= len(body) and _crc(body, mark.end) == mark.crc

    good, bad, step = len(marks), len(marks) + 1, 1
    while good > 0 and not holds(good):
        good, bad, step = good - step, good, step * 2
    good = max(good, 0)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    return good

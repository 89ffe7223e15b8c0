"""An agent's output on disk, capped: a sandbox may print without end."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

CAP_BYTES = 64 * 1024 * 1024
LINE_BYTES = 1024 * 1024
_TAIL_BYTES = 2048


class Lines:
    """A sink that hands over whole lines; one that is longer than `cap` bytes is dropped, and never held."""

    def __init__(self, line: Callable[[bytes], None], cap: int = LINE_BYTES) -> None:
        self._line = line
        self._cap = cap
        self._pieces: list[bytes] = []
        self._size = 0

    def __call__(self, chunk: bytes) -> None:
        """Take a chunk."""
        first, *others = chunk.split(b"\n")
        self._take(first)
        for piece in others:
            if self._size <= self._cap:
                self._line(b"".join(self._pieces))
            self._pieces, self._size = [], 0
            self._take(piece)

    def _take(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= self._cap:
            self._pieces.append(piece)
        else:
            self._pieces.clear()


class Capped:
    """A sink that writes to a file up to a cap, says so once, and remembers the end."""

    def __init__(self, file: Path, cap: int = CAP_BYTES) -> None:
        self._file = file.open("wb")
        self._left = cap
        self._tail = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __call__(self, chunk: bytes) -> None:
        """Take a chunk."""
        self._tail = (self._tail + chunk)[-_TAIL_BYTES:]
        if self._left and not self._file.closed:
            self._file.write(chunk[: self._left])
            self._left = max(0, self._left - len(chunk))
            if not self._left:
                self._file.write(b"\n[the rest was left out: the output exceeds its cap]\n")
            self._file.flush()

    @property
    def full(self) -> bool:
        """Whether something was left out."""
        return self._left == 0

    def last_words(self) -> str:
        """The last 2 kB as text."""
        return self._tail.decode(errors="replace").strip()

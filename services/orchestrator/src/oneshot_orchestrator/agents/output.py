"""An agent's output on disk, capped: a sandbox may print without end."""

from pathlib import Path
from types import TracebackType
from typing import Self

CAP_BYTES = 64 * 1024 * 1024
_TAIL_BYTES = 2048


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

    def last_words(self) -> str:
        """The last 2 kB as text."""
        return self._tail.decode(errors="replace").strip()

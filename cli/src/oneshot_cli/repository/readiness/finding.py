"""What a check says."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from oneshot_shared.errors import printable

type Level = Literal["blocker", "warning", "note"]
LEVELS: tuple[Level, ...] = ("blocker", "warning", "note")
LEAVE_OUT = "have them left out with `oneshot task check --fix` (repo.autofix_readiness.v1)"
_SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """One thing that whoever starts a task here should know.

    `level`: a blocker makes a base that is no sound one, a warning a task that is poorer than it could be, a note nothing to
    be mended. `next_step`: with the exact command, where there is one. `leave_out`: paths relative to the top, a folder's with
    a slash at its end; without them in the task the finding is mended.
    """

    check: str
    level: Level
    sentence: str
    next_step: str = ""
    leave_out: tuple[bytes, ...] = ()

    @property
    def mendable(self) -> bool:
        """Whether autofix mends it."""
        return bool(self.leave_out)


def name(path: bytes) -> str:
    """A path as people read it."""
    return repr(printable(os.fsdecode(path)))


def names(paths: Sequence[bytes]) -> str:
    """Some paths: the first few, and how many more there are."""
    shown = ", ".join(name(path) for path in paths[:_SHOWN])
    return f"{shown} and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else shown


def count(number: int, what: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def quantity(size: int) -> str:
    """Bytes as people read them."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"

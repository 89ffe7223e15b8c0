"""Mends what is safe to mend of a base, and nothing of the person's: paths go on our own list of what a task leaves out."""

import asyncio
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from oneshot_cli.repository import exclusions, readiness, state
from oneshot_cli.repository.readiness.finding import names
from oneshot_cli.repository.where import Repository


@dataclass(frozen=True)
class Mended:
    """What was done about one finding: a sentence."""

    check: str
    sentence: str


async def autofix(repository: Repository, place: Path | None = None) -> list[Mended]:
    """Leave out of this repository's tasks what the checks would have left out. Run again, it finds nothing to do.

    `place`: OneShot's state folder. :raises OSError: it cannot be written.
    """
    found = [each for each in await readiness.check(repository, place) if each.mendable]
    if not found:
        return []
    file = state.exclude_file(place or state.folder(), repository.top)
    await asyncio.to_thread(
        _add, file, repository.top, [exclusions.pattern(path) for each in found for path in each.leave_out]
    )
    still = {path for each in await readiness.check(repository, place) for path in each.leave_out}
    return [
        Mended(each.check, f"{names(gone)} left out of this repository's tasks, by {file}; nothing else was changed")
        for each in found
        if (gone := [path for path in each.leave_out if path not in still])
    ]


def _add(file: Path, top: Path, patterns: Iterable[bytes]) -> None:
    """Add lines, each once; what others wrote stays, and the file changes whole."""
    for folder in (file.parent.parent.parent, file.parent.parent, file.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        lines = file.read_bytes().split(b"\n")
    except FileNotFoundError:
        head = b"# What tasks of %s leave out, by `oneshot task check --fix`; take a line away and it is in again."
        lines = [head % os.fsencode(top).replace(b"\n", b"?"), b""]
    lines = [*lines[:-1], *([lines[-1]] if lines[-1] else [])]
    lines += [line for line in dict.fromkeys(patterns) if line not in lines]
    handle, new = tempfile.mkstemp(dir=file.parent, prefix=".exclude-")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(b"".join(line + b"\n" for line in lines))
        Path(new).replace(file)
    except BaseException:
        Path(new).unlink(missing_ok=True)
        raise

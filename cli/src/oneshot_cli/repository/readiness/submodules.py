"""The repositories that the index names by a commit, looked at: none of their files is captured."""

import asyncio
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from oneshot_cli.repository import where
from oneshot_cli.repository.readiness.listing import Index
from oneshot_cli.repository.where import Repository
from oneshot_shared.errors import BadInput

type How = Literal["clean", "missing", "changed", "moved", "unknown"]
MOST_LOOKED_AT = 8
_STATUS = (
    "status",
    "-z",
    "--porcelain=v2",
    "--branch",
    "--no-ahead-behind",
    "--no-renames",
    "-unormal",
    "--ignore-submodules=all",
)


@dataclass(frozen=True)
class Submodule:
    """`how`: missing: not checked out; moved: at another commit; changed: with changes of its own; unknown: not looked at."""

    path: bytes
    how: How


async def look(repository: Repository, index: Index) -> tuple[Submodule, ...]:
    """Every one, the first few of them closely."""
    links = enumerate(index.gitlinks.items())
    return tuple(
        await asyncio.gather(*(_look(repository, *link, closely=nth < MOST_LOOKED_AT) for nth, link in links)),
    )


async def _look(repository: Repository, path: bytes, commit: str, *, closely: bool) -> Submodule:
    folder = repository.top / os.fsdecode(path)
    if not os.path.lexists(folder / ".git"):
        return Submodule(path, "missing")
    return Submodule(path, await _state(folder, commit) if closely else "unknown")


async def _state(folder: Path, commit: str) -> How:
    try:
        within = await where.find(folder)
        if within.top != folder.resolve():
            return "unknown"
        said = (await within.ask(*_STATUS)).split(b"\0")[:-1]
    except (BadInput, subprocess.CalledProcessError):
        return "unknown"
    if any(not item.startswith(b"# ") for item in said):
        return "changed"
    return "clean" if f"# branch.oid {commit}".encode() in said else "moved"

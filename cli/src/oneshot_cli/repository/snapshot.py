"""Snapshots of a working tree, made in a git directory of our own: of the person's repository nothing is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from oneshot_cli.repository.where import Repository


@dataclass(frozen=True)
class Snapshot:
    """A git tree, byte for byte what lies in the working tree. `left_out`: a sentence each on what does not."""

    tree: str
    left_out: tuple[str, ...]


class Snapshots:
    """The snapshots of one task.

    `place`: a folder of this task alone; `<place>/git` is made there. `state`: OneShot's state folder, whose list of exclusions
    holds, and which is captured by none. Nothing is kept in memory: another process can go on at any point.
    """

    def __init__(self, place: Path, repository: Repository, state: Path | None = None) -> None:
        raise NotImplementedError

    async def begin(self) -> Snapshot:
        """The base, anew. :raises BadInput: something cannot be read."""
        raise NotImplementedError

    async def end(self, files: Mapping[str, bytes] = {}) -> Snapshot:
        """What the tree has become, with `files` (path relative to the top → content) laid over it.

        :raises BadInput: a path leads out of the tree; something cannot be read.
        """
        raise NotImplementedError

    async def keep(self) -> None:
        """Copy what the snapshots need of the person's objects, so that no `git gc` of theirs can take it."""
        raise NotImplementedError

    async def pack(self, base: str, end: str, file: Path) -> None:
        """Write a self-contained pack of two trees. :raises BadInput: the person's repository lacks an object."""
        raise NotImplementedError

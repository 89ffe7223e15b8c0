"""Snapshots of a working tree, made in a git directory of our own: of the person's repository nothing is written."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from oneshot_cli.repository import exclusions, reading
from oneshot_cli.repository.importing import WorkingTree
from oneshot_cli.repository.state import exclude_file
from oneshot_cli.repository.store import Store
from oneshot_cli.repository.where import Repository

_BASE, _END = "refs/snapshots/base", "refs/snapshots/end"
_IMPORT = (  # one pack, quickly; unpacked objects would be looked for, and made younger, in the person's store
    *("-c", "fastimport.unpackLimit=1"),
    *("-c", "pack.compression=1"),
    *("-c", "core.bigFileThreshold=32m"),
    *("fast-import", "--quiet", "--force", "--depth=0"),
)
_MOST_SENTENCES = 20


@dataclass(frozen=True)
class Snapshot:
    """A git tree, byte for byte what lies in the working tree.

    `left_out`: a sentence each on what does not. `unmerged`: the paths of which the person's index has more than one side.
    """

    tree: str
    left_out: tuple[str, ...]
    unmerged: tuple[bytes, ...] = ()


class Snapshots:
    """The snapshots of one task.

    `place`: a folder of this task alone; `<place>/git` is made there. `state`: OneShot's state folder, whose list of exclusions
    holds, and which is captured by none. Nothing is kept in memory: another process can go on at any point, and Store does what needs
    the repository no more.
    """

    def __init__(self, place: Path, repository: Repository, state: Path | None = None) -> None:
        self._place = place
        self._repository = repository
        self._state = state
        self._store = Store(place)

    async def begin(self) -> Snapshot:
        """The base, anew. :raises BadInput: something cannot be read."""
        await self._store.make()
        return await self._take(_BASE, {})

    async def end(self, files: Mapping[str, bytes] = {}) -> Snapshot:
        """What the tree has become, with `files` (path relative to the top → content) laid over it.

        :raises BadInput: a path leads out of the tree; something cannot be read.
        """
        return await self._take(_END, files)

    async def _take(self, ref: str, files: Mapping[str, bytes]) -> Snapshot:
        self._store.see(self._repository.objects)
        found = await reading.read(self._repository, self._store.git, list(self._patterns()))
        files_there = WorkingTree(self._repository.top, self._repository.setting("core.filemode") != "false")
        with TemporaryFile(dir=self._place) as stream:
            await asyncio.to_thread(files_there.write, stream, ref, found, files)
            stream.seek(0)
            tree = (await self._store.git(*_IMPORT, stdin=stream)).split()[2].decode()
        said = files_there.left_out
        if len(said) > _MOST_SENTENCES:
            said[_MOST_SENTENCES:] = [f"{len(said) - _MOST_SENTENCES} more were left out"]
        return Snapshot(tree, tuple(said), found.unmerged)

    def _patterns(self) -> Iterator[str]:
        """What to leave out, in gitignore's syntax."""
        top = self._repository.top
        if self._state:
            yield from exclusions.read(exclude_file(self._state, top))
        for own in (self._place, *([self._state] if self._state else [])):
            if own.resolve().is_relative_to(top):
                yield os.fsdecode(exclusions.pattern(os.fsencode(own.resolve().relative_to(top))))

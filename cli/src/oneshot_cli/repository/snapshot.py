"""Snapshots of a working tree, made in a git directory of our own: of the person's repository nothing is written."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from oneshot_cli.repository import importing, reading
from oneshot_cli.repository.importing import WorkingTree
from oneshot_cli.repository.state import exclude_file
from oneshot_cli.repository.where import Repository
from oneshot_shared.errors import BadInput
from oneshot_shared.git import Git

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
    """A git tree, byte for byte what lies in the working tree. `left_out`: a sentence each on what does not."""

    tree: str
    left_out: tuple[str, ...]


class Snapshots:
    """The snapshots of one task.

    `place`: a folder of this task alone; `<place>/git` is made there. `state`: OneShot's state folder, whose list of exclusions
    holds, and which is captured by none. Nothing is kept in memory: another process can go on at any point.
    """

    def __init__(self, place: Path, repository: Repository, state: Path | None = None) -> None:
        self._place = place
        self._repository = repository
        self._state = state
        self._git = Git(place / "git")

    async def begin(self) -> Snapshot:
        """The base, anew. :raises BadInput: something cannot be read."""
        if self._git.folder.exists():  # of a beginning that was killed
            await asyncio.to_thread(shutil.rmtree, self._git.folder)
        self._git.folder.mkdir(parents=True)
        await self._git.init()
        return await self._take(_BASE, {})

    async def end(self, files: Mapping[str, bytes] = {}) -> Snapshot:
        """What the tree has become, with `files` (path relative to the top → content) laid over it.

        :raises BadInput: a path leads out of the tree; something cannot be read.
        """
        return await self._take(_END, files)

    async def keep(self) -> None:
        """Copy what the snapshots need of the person's objects, so that no `git gc` of theirs can take it.

        :raises BadInput: the person's repository lacks an object.
        """
        refs = await self._git("for-each-ref", "--format=%(refname)")
        with self._complete():
            await self._git("pack-objects", "-q", "--revs", "--window=0", "objects/pack/pack", stdin=refs)

    async def pack(self, base: str, end: str, file: Path) -> None:
        """Write a self-contained pack of two trees. :raises BadInput: the person's repository lacks an object."""
        with file.open("wb") as out, self._complete():
            await self._git("pack-objects", "-q", "--revs", "--stdout", stdin=f"{base}\n{end}\n".encode(), stdout=out)

    async def _take(self, ref: str, files: Mapping[str, bytes]) -> Snapshot:
        objects = importing.quoted(os.fsencode(self._repository.objects))
        (self._git.folder / "objects" / "info" / "alternates").write_bytes(objects + b"\n")
        found = await reading.read(self._repository, self._git, list(self._patterns()))
        files_there = WorkingTree(self._repository.top, self._repository.setting("core.filemode") != "false")
        with TemporaryFile(dir=self._place) as stream:
            await asyncio.to_thread(files_there.write, stream, ref, found, files)
            stream.seek(0)
            tree = (await self._git(*_IMPORT, stdin=stream)).split()[2].decode()
        said = files_there.left_out
        if len(said) > _MOST_SENTENCES:
            said[_MOST_SENTENCES:] = [f"{len(said) - _MOST_SENTENCES} more were left out"]
        return Snapshot(tree, tuple(said))

    def _patterns(self) -> Iterator[str]:
        """What to leave out, in gitignore's syntax."""
        top = self._repository.top
        if self._state and (listed := exclude_file(self._state, top)).is_file():
            lines = listed.read_text(errors="surrogateescape").splitlines()
            yield from (line for line in lines if line and not line.startswith("#"))
        for own in (self._place, *([self._state] if self._state else [])):
            if own.resolve().is_relative_to(top):
                yield importing.pattern(own.resolve().relative_to(top))

    @contextmanager
    def _complete(self) -> Iterator[None]:
        try:
            yield
        except subprocess.CalledProcessError as error:
            words = error.stderr.strip().splitlines() or ["git does not say which"]
            raise BadInput(
                f"{self._repository.top} lacks an object that the snapshot needs ({words[0]}); in a partial or damaged clone, "
                "fetch everything with `git fetch --refetch`"
            ) from None

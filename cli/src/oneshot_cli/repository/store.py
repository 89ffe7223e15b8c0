"""The git directory of one task: its snapshots, and what of the person's objects they need."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oneshot_cli.repository import importing
from oneshot_shared.errors import BadInput
from oneshot_shared.git import Git


class Store:
    """`<place>/git`. Every ref in it is a snapshot's."""

    def __init__(self, place: Path) -> None:
        self.git = Git(place / "git")

    async def make(self) -> None:
        """Make it anew, and empty."""
        if self.git.folder.exists():  # of a beginning that was killed
            await asyncio.to_thread(shutil.rmtree, self.git.folder)
        self.git.folder.mkdir(parents=True)
        await self.git.init()

    def see(self, objects: Path) -> None:
        """Let it read the objects of a repository, and of those from which that one borrows."""
        file = self.git.folder / "objects" / "info" / "alternates"
        file.write_bytes(importing.quoted(os.fsencode(objects)) + b"\n")

    async def keep(self) -> None:
        """Copy what the snapshots need of the person's objects, so that no `git gc` of theirs can take it.

        :raises BadInput: their repository lacks an object.
        """
        refs = await self.git("for-each-ref", "--format=%(refname)")
        with _complete():
            await self.git("pack-objects", "-q", "--revs", "--window=0", "objects/pack/pack", stdin=refs)

    async def pack(self, base: str, end: str, file: Path) -> None:
        """Write a self-contained pack of two trees. :raises BadInput: the person's repository lacks an object."""
        with file.open("wb") as out, _complete():
            await self.git("pack-objects", "-q", "--revs", "--stdout", stdin=f"{base}\n{end}\n".encode(), stdout=out)


@contextmanager
def _complete() -> Iterator[None]:
    try:
        yield
    except subprocess.CalledProcessError as error:
        words = error.stderr.strip().splitlines() or ["git does not say which"]
        raise BadInput(
            f"the repository lacks an object that a snapshot needs ({words[0]}); where it is a partial clone, fetch the rest with "
            "`git fetch --refetch --filter=blob:limit=1t`, else mend it"
        ) from None

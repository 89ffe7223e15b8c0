"""The trees of a pack, in a bare repository of our own that is thrown away afterwards."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp

from oneshot_capture import entries
from oneshot_capture.entries import LINK, NOTHING, Entry
from oneshot_shared.archive import Caps
from oneshot_shared.errors import BadInput
from oneshot_shared.git import Git

_CAPS = Caps()
_LISTING_BYTES = 64 * 1024 * 1024
_HEADER_BYTES = 12  # "PACK", version, number of objects: gitformat-pack(5)
_INDEX_SECONDS = 600.0
_INDEX_BYTES = 768 * 1024 * 1024  # below what compose.yaml gives the service: small packs may hold enormous files
# what these find is dangerous only to whoever obeys submodules or attributes, which is nobody here
_OBEYED = ("Missing", "Blob", "Large", "Name", "Url", "Path", "Update", "Parse")
_UNCHECKED = [f"gitmodules{what}=ignore" for what in _OBEYED] + [
    f"gitattributes{what}=ignore" for what in ("Missing", "Blob", "Large", "LineLength")
]
_BIG_FILES = "core.bigFileThreshold=32m"  # larger ones are checked in pieces, not in memory


@dataclass(frozen=True)
class Tree:
    """A tree that may be written: its id, its entries, and sentences on what was left out of it."""

    oid: str
    entries: Sequence[Entry]
    left_out: Sequence[str]


class PackedTrees:
    """Reads the trees of one pack below `place`, a folder of its own."""

    def __init__(self, place: Path, caps: Caps = _CAPS) -> None:
        self._place = place
        self._caps = caps
        self._git = Git(place / "git")

    async def take(self, pack: Path) -> None:
        """Check a self-contained pack, every object and every name in it, and take it. :raises BadInput: git refuses it."""
        with pack.open("rb") as file:
            head = file.read(_HEADER_BYTES)
        if len(head) < _HEADER_BYTES or head[:4] != b"PACK":
            raise BadInput("what was sent is no git pack; send the output of `git pack-objects --stdout`")
        if (count := int.from_bytes(head[8:])) > 2 * self._caps.files:
            raise BadInput(
                f"the pack holds {count} objects; at most {2 * self._caps.files} are allowed: leave files out"
            )
        self._git.folder.mkdir()
        await self._git.init()
        home = self._git.folder / "objects" / "pack" / "pack-received.pack"
        pack.rename(home)
        with _refused("the pack"):
            async with asyncio.timeout(_INDEX_SECONDS):
                git = replace(self._git, memory=_INDEX_BYTES)
                await git("-c", _BIG_FILES, "index-pack", f"--strict={','.join(_UNCHECKED)}", str(home))

    async def tree(self, oid: str) -> Tree:
        """A tree by its id, without what has no place in a task. :raises BadInput: it is missing, unsafe or too large."""
        with _refused(f"the tree {oid}"):
            kind = (await self._git("cat-file", "-t", oid)).decode().strip()
            if kind != "tree":
                raise BadInput(f"{oid} is a {kind}, not a tree; send the id of a tree")
            said = await self._listing(oid)
        found = await asyncio.to_thread(self._checked, said)
        reasons = {entry: why async for entry, why in self._unfit(found)}
        if reasons:
            oid = await self.changed(oid, [Entry(NOTHING, b"0" * 40, entry.path) for entry in reasons])
        left_out = [f"{entry.name!r} was left out: it {why}" for entry, why in reasons.items()]
        return Tree(oid, [entry for entry in found if entry not in reasons], left_out)

    async def _listing(self, oid: str) -> bytes:
        said = bytearray()
        async with aclosing(self._git.chunks("ls-tree", "-r", "-z", "--long", "--full-tree", oid)) as chunks:
            async for chunk in chunks:
                said += chunk
                if len(said) > _LISTING_BYTES:
                    raise BadInput(f"the tree {oid} has far too many files; leave some out")
        return bytes(said)

    def _checked(self, said: bytes) -> list[Entry]:
        found = list(entries.of_tree(said))
        size = sum(entry.size for entry in found)
        if len(found) > self._caps.files or size > self._caps.bytes:
            raise BadInput(
                f"the tree has {len(found)} files of {size} bytes; at most {self._caps.files} files and {self._caps.bytes} "
                "bytes are allowed: leave some out"
            )
        for entry in found:
            entries.check_name(entry)
        return found

    async def _unfit(self, found: Sequence[Entry]) -> AsyncIterator[tuple[Entry, str]]:
        short = [entry for entry in found if entry.mode == LINK and entry.size <= entries.MAX_TARGET_BYTES]
        targets = dict(zip(short, await self.contents(short), strict=True))
        for entry in found:
            if why := entries.why_left_out(entry, targets.get(entry)):
                yield entry, why

    async def changes(self, base: Tree, end: Tree) -> list[Entry]:
        """Every path that differs, with what the end has there."""
        said = await self._git("diff-tree", "-r", "-z", "--raw", "--no-renames", base.oid, end.oid)
        return list(entries.of_diff(said))

    async def contents(self, files: Sequence[Entry]) -> list[bytes]:
        """What some files of a tree hold; together they must be small."""
        wanted = b"".join(entry.oid + b"\n" for entry in files)
        return list(entries.contents(await self._git("cat-file", "--batch", stdin=wanted)))

    async def changed(self, oid: str, changes: Iterable[Entry]) -> str:
        """The id of a tree with changes."""
        git = self._with_index()
        await git("read-tree", oid)
        await git("update-index", "-z", "--index-info", stdin=entries.index_info(changes))
        return (await git("write-tree")).decode().strip()

    async def patch(self, before: str, after: str, file: Path) -> None:
        """Write the difference of two trees as a patch that `git apply` takes, binary files included."""
        options = ("--binary", "--full-index", "--no-renames", "--no-ext-diff")
        with file.open("xb") as out:  # not by --output: git does not tell when the disk is full
            await self._git("diff", *options, before, after, stdout=out)

    async def write(self, oid: str, folder: Path, paths: Sequence[bytes] | None = None) -> None:
        """Write a tree's files, or some of them, into a new folder, byte for byte."""
        folder.mkdir(parents=True)
        git = self._with_index()
        await git("read-tree", oid)
        some = ["-a"] if paths is None else ["-z", "--stdin"]
        stdin = b"".join(path + b"\0" for path in paths or [])
        await git("checkout-index", "-f", f"--prefix={folder}/", *some, stdin=stdin, work_tree=folder)

    def _with_index(self) -> Git:
        return Git(self._git.folder, Path(mkdtemp(prefix="index-", dir=self._place)) / "index")


@contextmanager
def _refused(what: str) -> Iterator[None]:
    """What git, the clock or our patience says against a caller's objects is the caller's to mend."""
    try:
        yield
    except subprocess.CalledProcessError as error:
        if error.returncode < 0 or "ut of memory" in error.stderr:
            raise BadInput(
                f"{what} holds a file too large to be read in {_INDEX_BYTES >> 20} MiB; leave it out"
            ) from None
        words = error.stderr.strip().splitlines() or [f"git ended with {error.returncode}"]
        raise BadInput(f"{what} is refused ({words[0]}); make it again from a sound repository") from None
    except TimeoutError:
        raise BadInput(f"{what} was not read within {_INDEX_SECONDS:.0f} s; leave large files out") from None

"""What a pack alone can tell of a tree's fitness as a base, a sentence each."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from oneshot_capture.entries import LINK, SUBMODULE
from oneshot_capture.trees import PackedTrees, Tree

_POINTER = b"version https://git-lfs.github.com/spec/v1\n"  # git-lfs/docs/spec.md; at most 1024 bytes long
_POINTER_BYTES = 1024
_HUGE_BYTES = 50 * 1024 * 1024
_MOST_SMALL, _MOST_NAMED = 20_000, 5


@asynccontextmanager
async def opened(pack: Path, scratch: Path) -> AsyncIterator[PackedTrees]:
    """A pack's trees. :raises BadInput: git refuses it."""
    with TemporaryDirectory(prefix=".new-", dir=scratch) as place:
        copy = Path(place) / "pack"
        try:
            copy.hardlink_to(pack)
        except OSError:  # a file system without
            shutil.copyfile(pack, copy)
        trees = PackedTrees(Path(place))
        await trees.take(copy)
        yield trees


async def look(trees: PackedTrees, oid: str) -> tuple[Tree, list[str]]:
    """The tree, and what is to be said of it. :raises BadInput: it can be no base."""
    tree = await trees.tree(oid)
    small = [entry for entry in tree.entries if entry.mode not in (LINK, SUBMODULE) and entry.size <= _POINTER_BYTES]
    texts = await trees.contents(small[:_MOST_SMALL])
    pointers = [entry.name for entry, text in zip(small, texts, strict=False) if text.startswith(_POINTER)]
    huge = [entry.name for entry in tree.entries if entry.size > _HUGE_BYTES]
    found = [f"{remark}" for remark in _cut(list(tree.left_out))]
    if pointers:
        found.append(
            f"{len(pointers)} files are Git LFS pointers ({_some(pointers)}): agents will see these, not what they stand for"
        )
    if huge:
        found.append(
            f"{len(huge)} files have more than {_HUGE_BYTES >> 20} MiB ({_some(huge)}): every sandbox will hold them"
        )
    return tree, found


def _cut(remarks: list[str]) -> list[str]:
    more = len(remarks) - _MOST_NAMED
    return remarks if more <= 0 else [*remarks[:_MOST_NAMED], f"{more} more were left out"]


def _some(names: list[str]) -> str:
    return ", ".join(map(repr, names[:_MOST_NAMED])) + (", …" if len(names) > _MOST_NAMED else "")

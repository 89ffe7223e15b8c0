"""What git says of trees, read: entries, changes, and why an entry cannot be taken. Paths are bytes, as in git."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from oneshot_shared.archive import leads_out
from oneshot_shared.errors import BadInput, printable
from oneshot_shared.git import is_git

LINK, SUBMODULE, NOTHING = b"120000", b"160000", b"000000"
MAX_TARGET_BYTES = 4095  # of a link, on Linux
_MAX_NAME_BYTES, _MAX_PATH_BYTES = 255, 3500


@dataclass(frozen=True)
class Entry:
    """A file, link or submodule of a tree. `size`: bytes of the content; 0 for a submodule."""

    mode: bytes
    oid: bytes
    path: bytes
    size: int = 0

    @property
    def name(self) -> str:
        """The path as people read it."""
        return printable(os.fsdecode(self.path))


def of_tree(said: bytes) -> Iterator[Entry]:
    """Entries of `git ls-tree -r -z --long`."""
    for line in said.split(b"\0")[:-1]:
        words, _, path = line.partition(b"\t")
        mode, _, oid, size = words.split()
        yield Entry(mode, oid, path, 0 if size == b"-" else int(size))


def of_diff(said: bytes) -> Iterator[Entry]:
    """The new side of `git diff-tree -r -z --raw --no-renames`; its mode is NOTHING where a path went."""
    fields = said.split(b"\0")
    for words, path in zip(fields[:-1:2], fields[1::2], strict=True):
        _, mode, _, oid, _ = words.split()
        yield Entry(mode, oid, path)


def contents(said: bytes) -> Iterator[bytes]:
    """Contents of `git cat-file --batch`."""
    at = 0
    while at < len(said):
        begin = said.index(b"\n", at) + 1
        end = begin + int(said[at:begin].split()[2])
        yield said[begin:end]
        at = end + 1


def index_info(entries: Iterable[Entry]) -> bytes:
    """Entries for `git update-index -z --index-info`: what goes first, for a folder may come in its place."""
    gone_first = sorted(entries, key=lambda entry: entry.mode != NOTHING)
    return b"".join(b"%s %s\t%s\0" % (entry.mode, entry.oid, entry.path) for entry in gone_first)


def check_name(entry: Entry) -> None:
    """:raises BadInput: nobody may write a file of this name."""
    parts = entry.path.split(b"/")
    why = ""
    if any(part in (b"", b".", b"..") for part in parts):
        why = "leads out of the tree"
    elif is_git(PurePosixPath(os.fsdecode(entry.path))):
        why = "lies in a .git folder"
    elif len(entry.path) > _MAX_PATH_BYTES or any(len(part) > _MAX_NAME_BYTES for part in parts):
        why = "is too long for a file's name"
    if why:
        raise BadInput(f"the tree holds {entry.name!r}, which {why}; remove it and send the trees again")


def why_left_out(entry: Entry, target: bytes | None) -> str:
    """Why an entry has no place in a task, or nothing. `target`: where a link leads; None for one that is too long."""
    if entry.mode == SUBMODULE:
        return "is a submodule, whose files are not in the tree"
    if entry.mode == LINK and (
        target is None or leads_out(PurePosixPath(os.fsdecode(entry.path)), os.fsdecode(target))
    ):
        return "is a link that leads out of the tree"
    return ""

"""What git lists of a working tree, read, and looked at on disk: one pass that every check shares. Paths are bytes, as in git."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

_GITLINK = b"160000"
_SPARSE = b"Ss"


class File(NamedTuple):
    """A regular file of the working tree that is to be captured, or a link. `size`: bytes."""

    path: bytes
    tracked: bool
    size: int


@dataclass(frozen=True)
class Index:
    """`git ls-files -z -v --stage --others --resolve-undo`, read.

    `files`: tracked files and links that ought to lie in the working tree; `hidden`: those of them that git was told to take for
    unchanged; `absent`: those outside of a sparse checkout. `gitlinks`: commit by path. `unmerged`: paths with more than one side;
    `resolved`: those that were, and were added since. `nested`: repositories that are not tracked, with a slash at the end.
    """

    files: list[bytes] = field(default_factory=list)
    hidden: list[bytes] = field(default_factory=list)
    absent: list[bytes] = field(default_factory=list)
    gitlinks: dict[bytes, str] = field(default_factory=dict)
    unmerged: dict[bytes, None] = field(default_factory=dict)
    resolved: dict[bytes, None] = field(default_factory=dict)
    untracked: list[bytes] = field(default_factory=list)
    nested: list[bytes] = field(default_factory=list)

    @property
    def names(self) -> Iterator[bytes]:
        """Every path that a tree of all this would have."""
        return chain(self.files, self.absent, self.gitlinks, self.unmerged, self.untracked)


def read(said: bytes, left_out: frozenset[bytes]) -> Index:
    """Read what git lists; `left_out`: tracked paths that no snapshot holds."""
    index = Index()
    for item in said.split(b"\0")[:-1]:
        words, _, path = item.partition(b"\t")
        tag = words[:1]
        if tag == b"?":
            (index.nested if item.endswith(b"/") else index.untracked).append(item[2:])
        elif path in left_out:
            continue
        elif tag == b"U":
            index.resolved[path] = None
        elif not words.endswith(b" 0"):
            index.unmerged[path] = None
        elif words[2:8] == _GITLINK:
            index.gitlinks[path] = words[9:-2].decode()
        elif tag in _SPARSE:
            index.absent.append(path)
        else:
            index.files.append(path)
            if tag.islower():
                index.hidden.append(path)
    return index


@dataclass(frozen=True)
class Looked:
    """The working tree's side: `odd` is neither file nor link nor folder, `closed` cannot be looked at or read by this user."""

    files: list[File] = field(default_factory=list)
    links: list[File] = field(default_factory=list)
    odd: list[bytes] = field(default_factory=list)
    closed: list[File] = field(default_factory=list)


def look(top: bytes, index: Index) -> Looked:
    """Look at every path once, without opening it."""
    looked, here, me = Looked(), top.rstrip(b"/") + b"/", os.getuid()
    for tracked, paths in ((True, index.files), (True, index.unmerged), (False, index.untracked)):
        for path in paths:
            try:
                found = os.lstat(here + path)
            except (FileNotFoundError, NotADirectoryError):
                continue  # deleted: as git add takes it
            except OSError:
                looked.closed.append(File(path, tracked, 0))
                continue
            file, mode = File(path, tracked, found.st_size), found.st_mode
            if stat.S_ISREG(mode):
                looked.files.append(file)
                readable = stat.S_IRUSR if found.st_uid == me else stat.S_IROTH
                if not mode & readable and not _opens(here + path):
                    looked.closed.append(file)
            elif stat.S_ISLNK(mode):
                looked.links.append(file)
            elif not stat.S_ISDIR(mode):
                looked.odd.append(path)
    return looked


def _opens(path: bytes) -> bool:
    """Groups, access lists and root decide, not the mode alone."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK))
    except OSError:
        return False
    return True

"""What the person's git knows of the working tree, and where that cannot be believed."""

import asyncio
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched

from oneshot_cli.repository.where import Repository
from oneshot_shared.errors import BadInput
from oneshot_shared.git import Git

# lines of `ls-files -s -v -z` that are not plain: unmerged, assumed to be unchanged, left out by a sparse checkout, submodules
_ODD = re.compile(rb"(?:\A|(?<=\0))([^H?] \d{6}|H 160000) ([0-9a-f]{40}) \d\t([^\0]*)(?=\0)")
_OTHER = b"? "
_SPARSE, _UNMERGED = b"Ss", b"Mm"
_NO_OID = b"0" * 40
_CONVERTED = ":(exclude,attr:!ident !filter !working-tree-encoding)"
_CONVERTED_OR_TEXT = ":(exclude,attr:!ident !filter !working-tree-encoding !text !eol !crlf)"
_NO_CONVERSION = (None, "false", "no", "off", "0", "")
_GONE = b"000000"
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # known to every git
_CLOSED = re.compile(r"could not open directory '(.*)': (.*)")


@dataclass(frozen=True)
class Entry:
    """A tracked path as the index has it; of an unmerged one, no id. `sparse`: a sparse checkout may leave it out."""

    mode: bytes
    oid: bytes
    sparse: bool = False


@dataclass(frozen=True)
class Reading:
    """A working tree as git sees it; paths are bytes, relative to its top.

    `tree`: of HEAD, or empty. `staged`: where the index is another; None for what it lacks. `doubtful`: tracked, but the bytes on
    disk may be others than the index says. `untracked`: neither tracked nor ignored; a folder, with a slash at its end, is a
    repository of its own. `excluded`: tracked, and to be left out. `closed`: folders that cannot be read, and why.
    """

    tree: str
    staged: dict[bytes, Entry | None]
    doubtful: dict[bytes, Entry]
    untracked: list[bytes]
    excluded: list[bytes]
    closed: list[tuple[str, str]]

    @property
    def unmerged(self) -> tuple[bytes, ...]:
        """The paths of which the index has more than one side."""
        return tuple(path for path, entry in self.doubtful.items() if entry.oid == _NO_OID)


async def read(repository: Repository, git: Git, exclude: Sequence[str]) -> Reading:
    """Ask everything at once. `git`: a git directory of ours that sees the person's objects. `exclude`: patterns as in .gitignore.

    :raises BadInput: the person's git cannot read its own.
    """
    patterns = [word for pattern in exclude for word in ("-x", pattern)]
    try:
        async with asyncio.TaskGroup() as group:
            listed = group.create_task(_listed(repository, patterns))
            stale = group.create_task(_stale(repository))
            converted = group.create_task(_converted(repository, git))
            staged = group.create_task(_staged(repository))
            excluded = group.create_task(_excluded(repository, patterns))
    except* subprocess.CalledProcessError as errors:
        words = _first(errors).stderr.strip().splitlines() or ["it does not say why"]
        raise BadInput(f"git cannot read {repository.top} ({words[-1]}); mend the repository first") from None
    odd, untracked, closed = listed.result()
    doubtful = converted.result() | stale.result() | odd
    return Reading(*staged.result(), doubtful, untracked, excluded.result(), closed)


async def _listed(
    repository: Repository, patterns: Sequence[str]
) -> tuple[dict[bytes, Entry], list[bytes], list[tuple[str, str]]]:
    """What is tracked in an odd way, what is untracked, and what cannot be read."""
    options = ("-s", "-v", "-z", "--cached", "--others", "--exclude-standard")
    said, words = await repository.ask_all("ls-files", *options, *patterns)
    untracked, begin = [], 0
    while said.startswith(_OTHER, begin):  # they come first
        end = said.index(b"\0", begin)
        untracked.append(said[begin + len(_OTHER) : end])
        begin = end + 1
    odd = {
        path: Entry(kind[2:], _NO_OID if kind[:1] in _UNMERGED else oid, kind[:1] in _SPARSE)
        for kind, oid, path in _ODD.findall(said, begin)
    }
    return odd, untracked, _CLOSED.findall(words)


async def _stale(repository: Repository) -> dict[bytes, Entry]:
    """Whatever has another stat than the index says: what that means, the bytes tell."""
    said = await repository.ask("diff-files", "--raw", "-z", "--no-renames", "--abbrev=40", "--ignore-submodules=all")
    return {path: Entry(words[0][1:], words[2]) for words, path in _raw(said)}


async def _converted(repository: Repository, git: Git) -> dict[bytes, Entry]:
    """What may have other bytes on disk than its blob, though git finds nothing changed: it converts between the two."""
    everything = (repository.setting("core.autocrlf") or "").lower() not in _NO_CONVERSION
    suspect = _entries(
        await repository.ask("ls-files", "-s", "-z", "--", ".", *([] if everything else [_CONVERTED_OR_TEXT]))
    )
    if not suspect:
        return {}
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(repository.ask("ls-files", "-s", "-z", "--", ".", _CONVERTED))
        oids = b"\n".join(entry.oid for entry in suspect.values())
        said = group.create_task(git("cat-file", "--batch-check=%(objectsize)", "--buffer", stdin=oids))
        sizes = group.create_task(asyncio.to_thread(_sizes, os.fsencode(repository.top), suspect))
    # line ends are converted by taking a byte away, so that equal lengths are equal bytes; of the others nothing is known
    each = zip(suspect.items(), sizes.result(), said.result().split(b"\n"), strict=False)
    return _entries(asked.result()) | {path: entry for (path, entry), size, blob in each if size != blob}


def _sizes(top: bytes, paths: Iterable[bytes]) -> list[bytes]:
    found = []
    for path in paths:
        try:
            found.append(b"%d" % os.lstat(top + b"/" + path).st_size)
        except OSError:
            found.append(b"")
    return found


async def _staged(repository: Repository) -> tuple[str, dict[bytes, Entry | None]]:
    options = ("--cached", "--raw", "-z", "--no-renames", "--abbrev=40", "--ignore-submodules=none")
    tree = repository.tree
    try:
        said = await repository.ask("diff-index", *options, tree or _EMPTY_TREE)
    except subprocess.CalledProcessError:  # HEAD has moved since, and a gc has taken what it was
        tree, said = "", await repository.ask("diff-index", *options, _EMPTY_TREE)
    return tree, {path: None if words[1] == _GONE else Entry(words[1], words[3]) for words, path in _raw(said)}


async def _excluded(repository: Repository, patterns: Sequence[str]) -> list[bytes]:
    said = await repository.ask("ls-files", "-z", "--cached", "--ignored", *patterns) if patterns else b""
    return said.split(b"\0")[:-1]


def _raw(said: bytes) -> Iterator[tuple[list[bytes], bytes]]:
    for words, path in batched(said.split(b"\0")[:-1], 2, strict=True):
        yield words.split(), path


def _entries(said: bytes) -> dict[bytes, Entry]:
    lines = (line.partition(b"\t") for line in said.split(b"\0")[:-1])
    return {path: Entry(words[:6], words[7:47]) for words, _, path in lines}


def _first(errors: BaseExceptionGroup[subprocess.CalledProcessError]) -> subprocess.CalledProcessError:
    first = errors.exceptions[0]
    return first if isinstance(first, subprocess.CalledProcessError) else _first(first)

"""The repository that is looked at: everything the checks need, found once, by commands that only read."""

import asyncio
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from oneshot_cli.repository import exclusions, state
from oneshot_cli.repository.readiness import attributes, listing, submodules
from oneshot_cli.repository.readiness.attributes import Filtered
from oneshot_cli.repository.readiness.listing import Index, Looked
from oneshot_cli.repository.readiness.submodules import Submodule
from oneshot_cli.repository.where import Repository

_LIST = ("ls-files", "-z", "-v", "--stage", "--others", "--exclude-standard", "--resolve-undo")
# by content and by filters nothing is compared that git need not compare: the person's index knows sizes and times
_STATUS = (
    "status",
    "-z",
    "--porcelain=v2",
    "--branch",
    "--no-ahead-behind",
    "--no-renames",
    "-uno",
    "--ignore-submodules=all",
)
_CLOSED = re.compile(r"could not open directory '(.*?)/?': ")


@dataclass(frozen=True)
class Head:
    """Where HEAD is, and what differs from it. `commit`: empty where there is none yet. `branch`: empty where it is detached."""

    commit: str
    branch: str
    staged: int
    changed: tuple[bytes, ...]
    """Tracked paths whose file differs from the index, or is gone."""


@dataclass(frozen=True)
class Facts:
    """Paths are relative to the top. `exclude`: our list of what is left out; `excluded`: its lines that leave something out."""

    repository: Repository
    exclude: Path
    excluded: tuple[str, ...]
    head: Head
    index: Index
    looked: Looked
    closed_folders: tuple[str, ...]
    filtered: Filtered
    submodules: tuple[Submodule, ...]

    def open(self, path: bytes, most: int) -> bytes:
        """The first bytes of a regular file; nothing where it cannot be read."""
        return read_head(self.repository.top, path, most)

    def identity(self, environment: Mapping[str, str] = os.environ) -> tuple[str, str]:
        """The name and address that a commit here would carry; empty where git was told none."""
        found = []
        for part in ("name", "email"):
            variables = [f"GIT_{role}_{part.upper()}" for role in ("AUTHOR", "COMMITTER")]
            variables += ["EMAIL"] if part == "email" else []
            settings = [self.repository.setting(f"{role}.{part}") for role in ("author", "user", "committer")]
            found.append(next((v for v in [*settings, *map(environment.get, variables)] if v), ""))
        return found[0], found[1]


def read_head(top: Path, path: bytes, most: int) -> bytes:
    """The first bytes of a regular file, never through a link at its own place; nothing where it cannot be read."""
    try:
        opened = os.open(os.path.join(os.fsencode(top), path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # noqa: PTH118
    except OSError:
        return b""
    try:
        return os.read(opened, most)
    except OSError:
        return b""
    finally:
        os.close(opened)


async def gather(repository: Repository, place: Path | None = None) -> Facts:
    """Find the facts out. `place`: OneShot's state folder. :raises CalledProcessError: git cannot read the repository."""
    exclude = state.exclude_file(place or state.folder(), repository.top)
    patterns = exclusions.read(exclude)
    ours = [word for pattern in patterns for word in ("-x", pattern)]
    (said, warned), status, left_out = await asyncio.gather(
        repository.ask_all(*_LIST, *ours),
        repository.ask(*_STATUS),
        repository.ask("ls-files", "-z", "-c", "-i", *ours) if ours else _nothing(),
    )
    index = await asyncio.to_thread(listing.read, said, frozenset(left_out.split(b"\0")))
    looked, filtered, modules = await asyncio.gather(
        asyncio.to_thread(listing.look, os.fsencode(repository.top), index),
        attributes.filtered(repository, index),
        submodules.look(repository, index),
    )
    closed = tuple(_CLOSED.findall(warned))
    return Facts(repository, exclude, tuple(patterns), _head(status), index, looked, closed, filtered, modules)


def glance(repository: Repository, unmerged: Iterable[bytes]) -> Facts:
    """What is known of a repository without asking its git: a start cannot wait for every file."""
    index = Index(unmerged=dict.fromkeys(unmerged))
    return Facts(repository, Path(), (), Head("", "", 0, ()), index, Looked(), (), {}, ())


async def _nothing() -> bytes:
    return b""


def _head(said: bytes) -> Head:
    commit = branch = ""
    staged, changed = 0, []
    for item in said.split(b"\0")[:-1]:
        words = item.split(b" ", 8)
        if item.startswith(b"# branch.oid "):
            commit = "" if words[2] == b"(initial)" else words[2].decode()
        elif item.startswith(b"# branch.head "):
            branch = "" if item.endswith(b" (detached)") else os.fsdecode(item.removeprefix(b"# branch.head "))
        elif item.startswith(b"1 "):
            staged += words[1][:1] != b"."
            if words[1][1:] != b".":
                changed.append(words[8])
    return Head(commit, branch, staged, tuple(changed))


def git_words(error: subprocess.CalledProcessError) -> str:
    """What git said of its failure, on one line."""
    lines = str(error.stderr or "").strip().splitlines()
    return lines[-1] if lines else f"it ended with {error.returncode}"

"""A person's repositories, made with real git, and a comparison that misses nothing."""

import os
import stat
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from oneshot_cli.repository.snapshot import Snapshot, Snapshots
from oneshot_cli.repository.store import Store
from oneshot_cli.repository.where import Repository, find
from orchestrator import trees
from orchestrator.trees import Tree

IGNORED = b"*.log\nbuild/\n"
BASE: Tree = {
    b".gitignore": ("file", IGNORED),
    b"src/a.py": ("file", b"one\n"),
    b"src/b.py": ("file", b"two\n"),
    b"run.sh": ("exec", b"#!/bin/sh\n"),
    b"link": ("link", b"src/a.py"),
    b"dos.txt": ("file", b"1\r\n2\r\n"),
    b'caf\xe9 "x"\n': ("file", b"\x00\xff"),
    b"empty": ("file", b""),
    b"old": ("file", b"goes\n"),
}


@dataclass
class Person:
    """Somebody at work in `top`; `home` holds their settings, `place` what OneShot keeps of their task."""

    home: Path
    top: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home.mkdir(exist_ok=True)
        self.top.mkdir(parents=True, exist_ok=True)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "P",
            "GIT_AUTHOR_EMAIL": "p@example.org",
            "GIT_COMMITTER_NAME": "P",
            "GIT_COMMITTER_EMAIL": "p@example.org",
        }

    @property
    def place(self) -> Path:
        place = self.home.parent / "place"
        place.mkdir(exist_ok=True)
        return place

    def git(self, *arguments: str, check: bool = True, stdin: bytes = b"") -> str:
        """What the person types."""
        ended = subprocess.run(
            ["git", *arguments], cwd=self.top, env=self.environment, input=stdin, capture_output=True, check=False
        )
        assert not check or ended.returncode == 0, ended.stderr.decode(errors="replace")
        return ended.stdout.decode(errors="surrogateescape")

    def init(self, *arguments: str) -> "Person":
        self.git("init", "-q", "-b", "main", *arguments)
        return self

    def commit(self, tree: Tree | None = None) -> None:
        """Commit everything, with these files written before."""
        self.write(tree or {})
        self.git("add", "-A", "--force")
        self.git("commit", "-q", "--allow-empty", "-m", "work")

    def write(self, tree: Tree) -> None:
        trees.write(tree, self.top)

    async def find(self) -> Repository:
        return await find(self.top, self.environment)

    async def begin(self, state: Path | None = None) -> Snapshot:
        return await Snapshots(self.place, await self.find(), state).begin()

    async def end(self, files: Mapping[str, bytes] = {}, state: Path | None = None) -> Snapshot:
        return await Snapshots(self.place, await self.find(), state).end(files)

    async def tree(self, snapshot: Snapshot) -> Tree:
        """What a snapshot holds; submodules as `submodule` with their commit."""
        found: Tree = {}
        git = Store(self.place).git
        for line in (await git("ls-tree", "-r", "-z", "--full-tree", snapshot.tree)).split(b"\0")[:-1]:
            words, _, path = line.partition(b"\t")
            mode, _, oid = words.split()
            kind = {b"100644": "file", b"100755": "exec", b"120000": "link", b"160000": "submodule"}[mode]
            found[path] = (kind, oid if kind == "submodule" else await git("cat-file", "blob", oid.decode()))
        return found

    def disk(self) -> Tree:
        """What lies in the working tree, without .git."""
        return {path: entry for path, entry in trees.read(self.top).items() if path.split(b"/")[0] != b".git"}


def stamp(*folders: Path) -> dict[Path, tuple[object, ...]]:
    """Everything below: mode, times, size, inode, content. The time when it was last read is the only thing that may change."""
    found: dict[Path, tuple[object, ...]] = {}
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            known = path.lstat()
            content = (
                path.readlink() if path.is_symlink() else path.read_bytes() if stat.S_ISREG(known.st_mode) else None
            )
            found[path] = (known.st_mode, known.st_ino, known.st_size, known.st_mtime_ns, known.st_ctime_ns, content)
    return found


def age(top: Path, seconds: float = 100) -> None:
    """Let every file and the index be of a while ago, so that git has no reason to look twice."""
    then = time.time() - seconds
    for path in top.rglob("*"):
        os.utime(path, (then, then), follow_symlinks=False)

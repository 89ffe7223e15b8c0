"""A person's repository, made with real git; whatever looks at it must leave it byte for byte as it was."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from oneshot_cli.repository import readiness, where
from oneshot_cli.repository.readiness.facts import Facts, gather
from oneshot_cli.repository.readiness.finding import Finding

AUTHOR = ("-c", "user.name=A", "-c", "user.email=a@example.org")


@dataclass(frozen=True)
class Repo:
    """`top` is its working tree, `state` OneShot's state folder."""

    top: Path
    state: Path

    def git(self, *arguments: str, at: Path | None = None, fails: bool = False, stdin: str = "") -> str:
        """Run git as its person."""
        ended = subprocess.run(
            ["git", *AUTHOR, *arguments],
            cwd=at or self.top,
            text=True,
            capture_output=True,
            input=stdin,
            check=not fails,
        )
        return ended.stdout.strip()

    def write(self, name: str, content: str | bytes = "x\n") -> Path:
        """Write a file, in a folder that may have to be made."""
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def commit(self, name: str = "file.txt", content: str | bytes = "x\n") -> str:
        """Write, add and commit a file."""
        self.write(name, content)
        self.git("add", "-f", name)
        self.git("commit", "-qm", name)
        return self.git("rev-parse", "HEAD")

    def conflict(self, *command: str) -> None:
        """Bring a command that takes `other` in to a halt, by a conflict in conflict.txt."""
        self.commit("conflict.txt", "base\n")
        self.git("checkout", "-qb", "other")
        self.commit("conflict.txt", "other\n")
        self.git("checkout", "-q", "main")
        self.commit("conflict.txt", "main\n")
        self.git(*command, fails=True)

    async def facts(self) -> Facts:
        """What the checks are given."""
        with self.untouched():
            return await gather(await where.find(self.top), self.state)

    async def check(self, at: Path | None = None) -> list[Finding]:
        """Every finding but the identity's: these tests have none."""
        with self.untouched():
            found = await readiness.check_folder(at or self.top, self.state)
        return [each for each in found if each.check != "identity"]

    async def only(self, check: str, at: Path | None = None) -> Finding:
        """The one finding of a check; any other may only note what is so anyway."""
        found = await self.check(at)
        (one,) = [each for each in found if each.check == check]
        others = [
            each for each in found if each is not one and each.check not in ("dirty tree", "filters", "no commit")
        ]
        assert not others, others
        return one

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """Demand that nothing around the working tree changes: contents, modes, times, git's own folder."""
        before = fingerprint(self.top.parent)
        yield
        assert fingerprint(self.top.parent) == before


def fingerprint(folder: Path) -> dict[str, object]:
    """Everything that can be seen of a folder, but times of access."""
    seen: dict[str, object] = {}
    for here, folders, files in os.walk(folder):
        for path in (Path(here), *(Path(here, name) for name in (*files, *folders))):
            found = path.lstat()
            content = b""
            if path.is_symlink():
                content = os.fsencode(path.readlink())
            elif path.is_file() and found.st_blocks:
                with suppress(PermissionError):
                    content = hashlib.sha256(path.read_bytes()).digest()
            seen[str(path)] = (found.st_mode, found.st_size, found.st_mtime_ns, found.st_ino, content)
    return seen


def make(place: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """An empty repository below a folder; a person without settings."""
    for name in [name for name in os.environ if name.startswith(("GIT_", "XDG_"))]:
        monkeypatch.delenv(name)
    (place / "home").mkdir()
    monkeypatch.setenv("HOME", str(place / "home"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    made = Repo(place / "around" / "repo", place / "state")
    made.top.mkdir(parents=True)
    made.git("init", "-q", "-b", "main")
    return made

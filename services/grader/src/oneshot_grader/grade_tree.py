"""The tree that is verified: product files of a solution cross over a pristine base, and no link is ever followed.

Standard library only, Python 3.9+: this file is part of every task (tests/grade_tree.py) and of every plan.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import shutil
import stat
import tarfile
from collections.abc import Iterator
from typing import Any

SETTING_NAMES = {"conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini"}
STARTING_NAMES = {"sitecustomize", "usercustomize"}  # Python imports them before anything, from any path it knows
KEPT_NAMES = SETTING_NAMES | {".git", ".venv", "__pycache__"}  # these stay as in the base
KEPT_ENDINGS = (".pth", ".pyc", ".dist-info", ".egg-info")
MAX_FILE_BYTES = 2 * 1024**3


class Tree:
    """The base, which a solution is laid over. `ignored` and `refused` list what did not cross."""

    def __init__(self, root: str, test_roots: list[str]) -> None:
        self.root = os.path.realpath(root)
        self.test_roots = [tuple(name.split("/")) for name in test_roots]
        self.ignored: list[str] = []
        self.refused: list[str] = []

    def admit(self, name: str) -> tuple[str, ...] | None:
        """A name's parts, or None after noting why not."""
        parts = tuple(part for part in name.split("/") if part not in ("", "."))
        if name.startswith("/") or ".." in parts or "\0" in name or not parts:
            self.refused.append(name)
        elif self.kept(parts):
            self.ignored.append(name)
        else:
            return parts
        return None

    def kept(self, parts: tuple[str, ...]) -> bool:
        """Whether a path is the grader's: runner settings, plugin metadata, caches, environments and test folders."""
        names = [part.casefold() for part in parts]  # some file systems fold case
        if starting(names) or any(name in KEPT_NAMES or name.endswith(KEPT_ENDINGS) for name in names):
            return True
        return names[0] == "venv" or any(parts[: len(root)] == root for root in self.test_roots)

    def clear(self, parts: tuple[str, ...]) -> str:
        """Make room for a name: its folders become real folders, and nothing lies at it. Returns its path."""
        path = self.root
        for part in parts[:-1]:
            path = os.path.join(path, part)
            if os.path.islink(path) or (os.path.lexists(path) and not os.path.isdir(path)):
                os.unlink(path)
            if not os.path.isdir(path):
                os.mkdir(path)
        path = os.path.join(path, parts[-1])
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)
        return path

    def delete(self, name: str) -> None:
        """Remove a file or link, and the folders that it leaves empty."""
        parts = self.admit(name)
        folders = [os.path.join(self.root, *parts[:depth]) for depth in range(1, len(parts))] if parts else []
        if not parts or any(os.path.islink(folder) or not os.path.isdir(folder) for folder in folders):
            return
        path = os.path.join(self.root, *parts)
        if os.path.islink(path) or os.path.isfile(path):
            os.unlink(path)
            for folder in reversed(folders):
                if os.listdir(folder):
                    break
                os.rmdir(folder)

    def add(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        """Lay one member of a tar."""
        parts = None if member.isdir() else self.admit(member.name)
        if parts is None:
            return
        if member.issym():
            target = posixpath.normpath(posixpath.join(*parts[:-1], member.linkname))
            if member.linkname.startswith("/") or target.split("/")[0] == "..":
                self.refused.append(member.name)
            else:
                os.symlink(member.linkname, self.clear(parts))
            return
        try:
            source = tar.extractfile(member) if member.size <= MAX_FILE_BYTES else None
        except KeyError:  # a hard link to nothing
            source = None
        if source is None:
            self.refused.append(member.name)
            return
        mode = 0o755 if member.mode & 0o100 else 0o644
        handle = os.open(self.clear(parts), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with source, open(handle, "wb") as sink:
            shutil.copyfileobj(source, sink, 1024 * 1024)

    def files(self) -> Iterator[str]:
        """Every file and link outside of .git, relative to the root."""
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name != ".git"]
            links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
            yield from (os.path.relpath(os.path.join(folder, name), self.root) for name in names + links)

    def settings(self) -> dict[str, str | bytes]:
        """What configures a runner or interpreter, with its content: a build must not change it."""
        found: dict[str, str | bytes] = {}
        for name in self.files():
            names = name.casefold().split("/")
            if starting(names) or names[-1] in SETTING_NAMES or names[-1].endswith(".pth"):
                path = os.path.join(self.root, name)
                with contextlib.suppress(OSError):
                    found[name] = os.readlink(path) if os.path.islink(path) else read(path)
        return found

    def restore(self, before: dict[str, str | bytes]) -> None:
        """Put the settings back to what they were."""
        after = self.settings()
        for name in {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}:
            path = self.clear(tuple(name.split("/")))
            content = before.get(name)
            if isinstance(content, str):
                os.symlink(content, path)
            elif content is not None:
                write(path, content)

    def drop_caches(self) -> None:
        """Remove __pycache__ everywhere: stale bytecode would win over source."""
        for folder, folders, _ in os.walk(self.root):
            if "__pycache__" in folders:
                shutil.rmtree(os.path.join(folder, "__pycache__"), ignore_errors=True)
            folders[:] = [name for name in folders if name not in (".git", "__pycache__")]

    def lay_tests(self, source: str, canaries: list[dict[str, Any]]) -> None:
        """Replace each test root whole by the hidden files, and add the canaries."""
        for parts in self.test_roots:
            origin, target = os.path.join(source, *parts), self.clear(parts)
            if os.path.isdir(origin):
                shutil.copytree(origin, target, symlinks=True)
            elif os.path.exists(origin):
                shutil.copy(origin, target)
        for canary in canaries:
            write(self.clear(tuple(canary["path"].split("/"))), canary["content"].encode())

    def hand_over(self, uid: int) -> None:
        """Let a user read everything and write into every folder, as builds and tests do."""
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name != ".git"]
            os.chown(folder, uid, -1)
            for path in [os.path.join(folder, name) for name in names]:
                mode = os.lstat(path).st_mode
                if stat.S_ISREG(mode) and not mode & stat.S_IROTH:
                    os.chmod(path, stat.S_IMODE(mode) | (0o555 if mode & stat.S_IXUSR else 0o444))

    def seal_tests(self) -> None:
        """Make the hidden tests ours: others may add files beside them, but not change, move or remove them."""
        for parts in self.test_roots:
            for depth in range(len(parts)):
                seal_folder(os.path.join(self.root, *parts[:depth]))
            for folder, _, names in os.walk(os.path.join(self.root, *parts)):
                seal_folder(folder)
                for path in [os.path.join(folder, name) for name in names]:
                    os.chown(path, 0, 0, follow_symlinks=False)
                    if not os.path.islink(path):
                        os.chmod(path, 0o755 if os.access(path, os.X_OK) else 0o644)


def starting(names: list[str]) -> bool:
    """Whether a path is, or is in, a module that Python imports at its start: source, package or extension."""
    return any(name.split(".")[0] in STARTING_NAMES for name in names)


def seal_folder(path: str) -> None:
    """Root's, where everybody may make files and nobody may touch another's."""
    os.chown(path, 0, 0)
    os.chmod(path, 0o1777)


def read(path: str) -> bytes:
    """A file's content, never through a link."""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return file.read()


def write(path: str, content: bytes) -> None:
    """A new file; nothing may lie there."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644), "wb") as file:
        file.write(content)

"""git as a tool for trees: nothing of anyone's configuration, hooks, attributes or filters is ever obeyed."""

import asyncio
import contextlib
import errno
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO

from oneshot_shared.errors import NotReady

_ATTRIBUTES = "* -text -ident -filter -working-tree-encoding -export-ignore -export-subst !diff !merge\n"
_CONFIG = {
    "core.autocrlf": "false",
    "core.fileMode": "true",
    "core.symlinks": "true",
    "core.quotePath": "false",
    "core.protectNTFS": "false",
    "core.protectHFS": "false",
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "gc.auto": "0",
    "safe.directory": "*",
}
_FULL = (  # git speaks English, for LC_ALL is set; but it does not say the same everywhere
    "No space left on device",
    "Out of diskspace",
    "unable to write file",
    "write failure on standard output",
)
_CHUNK_BYTES = 1 << 16


def is_git(path: PurePath) -> bool:
    """Whether a path lies in some `.git`, in any spelling that git refuses: an NTFS would take it for the same."""
    parts = str(path).replace("\\", "/").split("/")
    return any(part.split(":")[0].rstrip(". ").lower() in {".git", "git~1"} for part in parts)


@dataclass(frozen=True)
class Git:
    """git in one git directory with one index.

    `objects`: new objects are written there, and read from the git directory's own store too. `memory`: bytes that a command
    may have (0: no limit; Linux only), for objects that a stranger made.
    """

    folder: Path
    index: Path | None = None
    objects: Path | None = None
    memory: int = 0

    async def init(self) -> None:
        """Make the folder a bare repository whose attributes outrank those of every tree (gitrepository-layout(5))."""
        for part in ("info", "objects/info", "objects/pack", "refs"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        (self.folder / "HEAD").write_text("ref: refs/heads/main\n")
        (self.folder / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
        (self.folder / "info" / "attributes").write_text(_ATTRIBUTES)
        (self.folder / "info" / "exclude").write_text("")

    async def __call__(
        self,
        *arguments: str,
        work_tree: Path | None = None,
        stdin: bytes | IO[bytes] = b"",
        stdout: IO[bytes] | int = subprocess.PIPE,
    ) -> bytes:
        """Run one command; returns its output, or nothing where `stdout` takes it. A cancelled call leaves no process behind.

        `stdin`: bytes, or a file that is read from where it stands.

        :raises CalledProcessError: it failed, with its words as `stderr`. OSError: the disk is full. NotReady: there is no git.
        """
        given, source = (stdin, subprocess.PIPE) if isinstance(stdin, bytes) else (None, stdin)
        async with self._running(arguments, work_tree, stdout, source) as process:
            output, said = await process.communicate(given)
            self._check(process, arguments, said)
            return output or b""

    async def chunks(self, *arguments: str) -> AsyncGenerator[bytes]:
        """The same for a command whose output may be endless; to be used in `aclosing`."""
        async with self._running(arguments, None, subprocess.PIPE) as process:
            assert process.stdout
            while chunk := await process.stdout.read(_CHUNK_BYTES):
                yield chunk
            self._check(process, arguments, (await process.communicate())[1])

    @asynccontextmanager
    async def _running(
        self,
        arguments: tuple[str, ...],
        work_tree: Path | None,
        stdout: IO[bytes] | int,
        stdin: IO[bytes] | int = subprocess.PIPE,
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        config = [part for item in _CONFIG.items() for part in ("-c", "=".join(item))]
        if not (program := shutil.which("git")):
            raise NotReady("git is not installed, or not on PATH; install it, for example with `apt-get install git`")
        process = await asyncio.create_subprocess_exec(
            program,
            *config,
            *arguments,
            env=self._environment(work_tree),
            cwd=work_tree or self.folder,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
        )
        try:
            if self.memory and sys.platform == "linux":
                with contextlib.suppress(ProcessLookupError):  # it has ended already
                    resource.prlimit(process.pid, resource.RLIMIT_AS, (self.memory, self.memory))
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()

    def _check(self, process: asyncio.subprocess.Process, arguments: tuple[str, ...], said: bytes) -> None:
        if process.returncode:
            words = said.decode(errors="replace")
            if any(full in words for full in _FULL):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.folder))
            raise subprocess.CalledProcessError(process.returncode, ["git", *arguments], stderr=words)

    def _environment(self, work_tree: Path | None) -> dict[str, str]:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8",
            "GIT_DIR": str(self.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
        }
        if work_tree:
            environ["GIT_WORK_TREE"] = str(work_tree)
        if self.index:
            environ["GIT_INDEX_FILE"] = str(self.index)
        if self.objects:
            environ["GIT_OBJECT_DIRECTORY"] = str(self.objects)
            environ["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = str(self.folder / "objects")
        return environ

"""A folder and the processes that were started in it, as a sandbox."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import psutil

from oneshot_orchestrator.backends import trees
from oneshot_orchestrator.contract import Environment, Exit, Role, Sink
from oneshot_shared import archive, placeholders

MARK = "ONESHOT_SANDBOX"
KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
_CANNOT_RUN = 127
_DRAIN_SECONDS = 1.0
_KILL_SECONDS = 10.0


def kill_all(mark: str, folder: Path) -> None:
    """Kill every process that a sandbox with this mark started in this folder: daemons, and what has shed its environment."""
    place, until = str(folder.resolve()), time.monotonic() + _KILL_SECONDS
    while time.monotonic() < until:
        found = [process for process in psutil.process_iter() if _belongs(process, mark, place)]
        if not found:
            return
        for process in found + [child for parent in found for child in _children(parent)]:
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(0.02)  # not psutil.wait_procs: it would take the exit status of our own children from asyncio


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _belongs(process: psutil.Process, mark: str, folder: str) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
            return False
        if process.environ().get(MARK, "").startswith(mark):
            return True
        at = process.cwd()
        return (at == folder or at.startswith(f"{folder}/")) and process.terminal() is None  # no person's shell
    return False


def environ(*more: str) -> dict[str, str]:
    """What a sandbox gets of this process's environment."""
    return {name: os.environ[name] for name in (*KEPT, *more) if name in os.environ}


def lay(base: Path, folder: Path) -> None:
    """Make a sandbox's folder: the base as a repository of one commit, scratch, home and temporary folder."""
    shutil.copytree(base, folder / "tree", symlinks=True)
    for name in ("scratch", "home", "tmp"):
        (folder / name).mkdir()
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"], "HOME": "/"}
    author = ["-c", "user.name=oneshot", "-c", "user.email=oneshot@localhost"]
    for arguments in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        [*author, "commit", "-q", "--allow-empty", "-m", "base"],
    ):
        subprocess.run(["git", *arguments], cwd=folder / "tree", env=own, check=True, capture_output=True)


class LocalSandbox:
    """See contract.Sandbox."""

    def __init__(self, folder: Path, environment: Environment, mark: str) -> None:
        self._folder = folder
        self._environment = environment
        self._mark = mark
        self._groups: set[int] = set()
        self.tree = str(folder / "tree")
        self.scratch = str(folder / "scratch")
        self.agent_files = ""

    def _env(self, more: dict[str, str]) -> dict[str, str]:
        places = {"HOME": str(self._folder / "home"), "TMPDIR": str(self._folder / "tmp"), MARK: self._mark}
        places["PYTHONDONTWRITEBYTECODE"] = "1"  # caches in the environment would be a change to it
        task = {name: placeholders.fill(value, {"tree": self.tree}) for name, value in self._environment.env.items()}
        return environ() | places | task | more

    async def run(
        self, argv: list[str], *, role: Role, env: dict[str, str], timeout: float, out: Sink, err: Sink
    ) -> Exit:
        """See contract.Sandbox."""
        with _pipe(out) as (stdout, out_ended), _pipe(err) as (stderr, err_ended):
            try:
                process = await asyncio.create_subprocess_exec(
                    *argv,
                    cwd=self.tree,
                    env=self._env(env),
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    start_new_session=True,
                )
            except OSError as error:  # no such program, not executable, too long, or the tree is gone
                err(f"{argv[0]} cannot be run: {error}\n".encode())
                return Exit(_CANNOT_RUN)
            finally:
                os.close(stdout)
                os.close(stderr)
            self._groups.add(process.pid)
            try:
                async with asyncio.timeout(timeout):
                    await process.wait()
            except TimeoutError:
                return Exit(-1, timed_out=True)
            finally:
                if process.returncode is None:
                    await self.stop()
                    await process.wait()
            # what is in the pipes still belongs to it; a daemon may hold them open for as long as it likes
            ends = [asyncio.ensure_future(ended.wait()) for ended in (out_ended, err_ended)]
            _, left = await asyncio.wait(ends, timeout=_DRAIN_SECONDS)
            for each in left:
                each.cancel()
            return Exit(process.returncode or 0)

    async def put(self, tar: IO[bytes], folder: str) -> None:
        """See contract.Sandbox."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(archive.unpack, tar, Path(folder))

    async def remove(self, paths: list[str]) -> None:
        """See contract.Sandbox."""
        for path in (Path(self.tree, path) for path in paths):
            if path.is_dir() and not path.is_symlink():
                await asyncio.to_thread(shutil.rmtree, path)
            else:
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    path.unlink()

    async def stop(self) -> None:
        """See contract.Sandbox."""
        for group in self._groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        self._groups.clear()
        await asyncio.to_thread(kill_all, self._mark, self._folder)

    async def get_tree(self) -> IO[bytes]:
        """See contract.Sandbox."""
        return await asyncio.to_thread(trees.packed, Path(self.tree))


@contextlib.contextmanager
def _pipe(sink: Sink) -> Iterator[tuple[int, asyncio.Event]]:
    """A pipe whose content goes to a sink as it comes; the caller closes the writing end."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    reading, writing = os.pipe()
    os.set_blocking(reading, False)

    def take() -> None:
        with contextlib.suppress(BlockingIOError):
            if chunk := os.read(reading, 65536):
                sink(chunk)
            else:
                loop.remove_reader(reading)
                ended.set()

    loop.add_reader(reading, take)
    try:
        yield writing, ended
    finally:
        loop.remove_reader(reading)
        os.close(reading)

"""A folder and the processes that were started in it, as a sandbox."""

import asyncio
import contextlib
import os
import shutil
import subprocess
from asyncio.subprocess import Process
from pathlib import Path
from typing import IO

from oneshot_orchestrator import folders
from oneshot_orchestrator.backends import disk, trees
from oneshot_orchestrator.backends.local_processes import MARK, NotStarted, Pipe, environ, kill_all, start
from oneshot_orchestrator.contract import Environment, Exit, Role, Sink
from oneshot_shared import archive, placeholders

_CANNOT_RUN = 127
_KILLED = 137
_DRAIN_SECONDS = 1.0


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

    def __init__(self, folder: Path, environment: Environment, mark: str, storage: int) -> None:
        self._folder = folder
        self._environment = environment
        self._mark = mark
        self._storage = storage
        self._inits: set[Process] = set()
        self._pipes: set[Pipe] = set()
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
        code = bytearray()
        pipes = Pipe(out), Pipe(err), Pipe(code.extend)
        self._pipes = {pipe for pipe in self._pipes if not pipe.closed} | {*pipes}
        self._inits = {init for init in self._inits if init.returncode is None}
        filling = asyncio.create_task(disk.until_full(self._written, self._storage))
        ended = None
        try:
            self._inits.add(await start(argv, cwd=self.tree, env=self._env(env), largest=self._storage, pipes=pipes))
            ended = await self._follow(pipes, code, filling, timeout)
        except NotStarted as error:
            err(f"{argv[0]} cannot be run: {error}\n".encode())
            ended = Exit(_CANNOT_RUN)
        finally:
            filling.cancel()
            if ended is None:
                await self.stop()
            for pipe in pipes:
                pipe.release()
        return ended

    async def _follow(
        self, pipes: tuple[Pipe, Pipe, Pipe], code: bytearray, filling: "asyncio.Task[None]", timeout: float
    ) -> Exit:
        """Wait for a command's end, its time limit, its disk limit, or a sink that fails."""
        out, err, status = pipes
        ends = [status.ended, filling, out.failed, err.failed]
        done, _ = await asyncio.wait(ends, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if (
            status.ended in done
        ):  # what is in the pipes still belongs to it; a daemon may hold them open as long as it likes
            await asyncio.wait([out.ended, err.ended], timeout=_DRAIN_SECONDS)
        for failed in (out.failed, err.failed):
            if failed.done():
                failed.result()
        if filling in done:
            filling.result()
        if status.ended in done and code:
            return Exit(int(code))
        await self.stop()
        if status.ended in done:  # somebody killed its init
            return Exit(_KILLED)
        return Exit(-1, timed_out=not done, disk_full=filling in done)

    async def _written(self) -> int:
        return await asyncio.to_thread(disk.used, self._folder)

    async def put(self, tar: IO[bytes], folder: str) -> None:
        """See contract.Sandbox."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(archive.unpack, tar, Path(folder))

    async def remove(self, paths: list[str]) -> None:
        """See contract.Sandbox."""
        tree = Path(self.tree)
        for path in (tree / path for path in paths):
            if any(above.is_symlink() for above in path.parents if tree in above.parents):
                continue
            if path.is_dir() and not path.is_symlink():
                await asyncio.to_thread(folders.remove, path)
            else:
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    path.unlink()

    async def stop(self) -> None:
        """See contract.Sandbox."""
        await asyncio.to_thread(kill_all, self._mark, self._folder)
        ends = [asyncio.ensure_future(init.wait()) for init in self._inits] + [pipe.ended for pipe in self._pipes]
        if ends:  # nobody is left who could write: the last output comes now
            await asyncio.wait(ends, timeout=_DRAIN_SECONDS)
        for pipe in self._pipes:
            pipe.close()
        self._pipes.clear()

    async def get_tree(self) -> IO[bytes]:
        """See contract.Sandbox."""
        return await trees.handed_over(asyncio.to_thread(trees.packed, Path(self.tree)))

"""Sandboxes as folders and process groups on this machine: for trying things without Docker, and for trusted agents.

It does not protect the machine: whatever runs here can read what its user can read. Codex brings its own sandbox.
"""

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

import psutil

from oneshot_orchestrator import git
from oneshot_orchestrator.backends.records import Records, does_not_build
from oneshot_orchestrator.contract import Environment, Exit, Role, Sandbox, SandboxSpec, Say, Sink
from oneshot_orchestrator.settings import OrchestratorSettings
from oneshot_shared import archive
from oneshot_shared.errors import BadInput
from oneshot_shared.task import Task

_MARK = "ONESHOT_SANDBOX"
_KEPT = ("LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "PIP_CERT", "PIP_INDEX_URL", "PIP_FIND_LINKS")
_KEPT_FOR_SETUP = (*_KEPT, "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE", "HOME", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")


class LocalSlot:
    """No network of its own: the gateway's loopback port."""

    def gateway_url(self, port: int) -> str:
        """The gateway itself."""
        return f"http://127.0.0.1:{port}/v1"


class LocalBackend:
    """Environments are folders that `setup` filled, sandboxes copies of the base."""

    name = "local"

    def __init__(self, settings: OrchestratorSettings, state: Path) -> None:
        self._owner = settings.owner
        self._records = Records(state / "environments")
        self._sandboxes = state / "sandboxes"
        shutil.rmtree(self._sandboxes, ignore_errors=True)
        self._sandboxes.mkdir(parents=True)
        kill_marked(f"{self._owner}/")

    async def check(self, task: Task) -> None:
        """:raises BadInput: the task does not say how it runs without Docker."""
        setup = task.config.metadata.oneshot.local
        if setup is None:
            raise BadInput(
                f"task {task.slug!r} does not say how it runs without Docker; run it with --backend docker, or add "
                "[metadata.oneshot.local] with setup commands to its task.toml"
            )
        if not (task.path / "environment" / setup.base).is_dir():
            raise BadInput(
                f"task {task.slug!r} has no environment/{setup.base}, which [metadata.oneshot.local] base names"
            )

    async def build(self, task: Task, say: Say, log: Path) -> Environment:
        """Copy the base and run the task's setup, once for each content of both."""
        setup = task.config.metadata.oneshot.local
        assert setup
        source = task.path / "environment" / setup.base
        content = f"{archive.digest(source)}\n{setup.model_dump_json()}\n{sys.version}"
        key = f"local-{hashlib.sha256(content.encode()).hexdigest()[:24]}"
        home = self._records.path(key)
        words = {
            "python": sys.executable,
            "env": str(home / "env"),
            "tree": str(home / "base"),
            "path": os.environ["PATH"],
        }

        async def fill(place: Path) -> None:
            await asyncio.to_thread(shutil.copytree, source, place / "base", symlinks=True)
            (place / "env").mkdir()
            for command in setup.setup:
                argv = [part.format(**words) for part in command]
                say(" ".join(argv)[:120])
                await _setup(argv, place, log, task.slug)

        folder = await self._records.make(key, fill)
        env = {name: value.format(**words | {"tree": "{tree}"}) for name, value in setup.env.items()}
        return Environment(key, str(folder / "base"), folder, os.getuid(), os.getgid(), env)

    async def open_slot(self, index: int) -> LocalSlot:
        """Nothing to make."""
        return LocalSlot()

    @asynccontextmanager
    async def sandbox(self, environment: Environment, spec: SandboxSpec) -> AsyncIterator[Sandbox]:
        """A folder that is removed when its context ends, with every process that was started in it."""
        folder = self._sandboxes / f"{spec.run_id}-{spec.purpose}"
        sandbox = _Folder(folder, environment, f"{self._owner}/{spec.run_id}/{spec.purpose}")
        try:
            await asyncio.to_thread(_lay, environment.folder / "base", folder)
            yield sandbox
        finally:
            await sandbox.stop()
            await asyncio.to_thread(_remove, folder)

    async def close(self) -> None:
        """End what still runs."""
        await asyncio.to_thread(kill_marked, f"{self._owner}/")
        shutil.rmtree(self._sandboxes, ignore_errors=True)


def _lay(base: Path, folder: Path) -> None:
    shutil.copytree(base, folder / "tree", symlinks=True)
    for name in ("scratch", "home", "tmp"):
        (folder / name).mkdir()
    own = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
    }
    for command in (
        ["git", "init", "-q", "-b", "main"],
        ["git", "add", "-A"],
        [
            "git",
            "-c",
            "user.name=oneshot",
            "-c",
            "user.email=oneshot@localhost",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "base",
        ],
    ):
        subprocess.run(command, cwd=folder / "tree", env=own, check=True, capture_output=True)


def _remove(folder: Path) -> None:
    def writable(_: object, path: str, __: object) -> None:
        parent = Path(path).parent
        parent.chmod(0o700)
        if Path(path).is_dir() and not Path(path).is_symlink():
            Path(path).chmod(0o700)
            shutil.rmtree(path, ignore_errors=True)
        else:
            Path(path).unlink(missing_ok=True)

    if folder.exists():
        shutil.rmtree(folder, onexc=writable)


async def _setup(argv: list[str], place: Path, log: Path, slug: str) -> None:
    env = {name: os.environ[name] for name in (*_KEPT_FOR_SETUP, "PATH") if name in os.environ}
    with log.open("ab") as file:
        file.write(f"$ {' '.join(argv)}\n".encode())
        file.flush()
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                cwd=place / "base",
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        except OSError as error:
            raise does_not_build(slug, f"{argv[0]!r} cannot be run ({error.strerror})", log) from None
        try:
            code = await process.wait()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
    if code:
        raise does_not_build(slug, f"{' '.join(argv)!r} ended with exit code {code}", log)


def kill_marked(mark: str) -> None:
    """Kill every process whose environment says that a sandbox with this mark started it, daemons included."""
    for _ in range(20):
        found = [process for process in psutil.process_iter() if _marked(process, mark)]
        if not found:
            return
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(found, timeout=0.5)


def _marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(_MARK, "").startswith(mark)
    except (psutil.Error, OSError):
        return False


class _Folder:
    def __init__(self, folder: Path, environment: Environment, mark: str) -> None:
        self._folder = folder
        self._environment = environment
        self._mark = mark
        self._groups: set[int] = set()
        self.tree = str(folder / "tree")
        self.scratch = str(folder / "scratch")

    def _env(self, more: dict[str, str]) -> dict[str, str]:
        kept = {name: os.environ[name] for name in (*_KEPT, "PATH") if name in os.environ}
        places = {"HOME": str(self._folder / "home"), "TMPDIR": str(self._folder / "tmp"), _MARK: self._mark}
        task = {name: value.format(tree=self.tree) for name, value in self._environment.env.items()}
        return kept | places | task | more

    async def run(
        self, argv: list[str], *, role: Role, env: dict[str, str], timeout: float, out: Sink, err: Sink
    ) -> Exit:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=self.tree,
            env=self._env(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._groups.add(process.pid)
        assert process.stdout
        assert process.stderr
        pumps = asyncio.gather(_pump(process.stdout, out), _pump(process.stderr, err), process.wait())
        try:
            await asyncio.wait_for(asyncio.shield(pumps), timeout)
        except TimeoutError:
            await self.stop()
            await asyncio.wait([pumps], timeout=10)
            return Exit(-1, timed_out=True)
        except asyncio.CancelledError:
            await self.stop()
            pumps.cancel()
            raise
        return Exit(process.returncode or 0)

    async def put(self, tar: IO[bytes], folder: str) -> None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(archive.unpack, tar, Path(folder))

    async def remove(self, paths: list[str]) -> None:
        for path in paths:
            (Path(self.tree) / path).unlink(missing_ok=True)

    async def stop(self) -> None:
        for group in self._groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        self._groups.clear()
        await asyncio.to_thread(kill_marked, self._mark)

    async def get_tree(self) -> IO[bytes]:
        return await asyncio.to_thread(self._pack)

    def _pack(self) -> IO[bytes]:
        file = archive.spool([])
        with tarfile.open(fileobj=file, mode="w") as tar:
            for path in archive.walk(Path(self.tree)):
                if not git.is_git(path.relative_to(self.tree)):  # type: ignore[arg-type]
                    tar.add(path, arcname=f"tree/{path.relative_to(self.tree)}", recursive=False)
        file.seek(0)
        return file


async def _pump(stream: asyncio.StreamReader, sink: Sink) -> None:
    while chunk := await stream.read(65536):
        sink(chunk)

"""Sandboxes as folders and process groups on this machine: for trying things without Docker, and for trusted agents.

It does not protect the machine: whatever runs here can read what its user can read. Codex brings its own sandbox.
"""

import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from oneshot_orchestrator import folders
from oneshot_orchestrator.backends import disk, local_sandbox
from oneshot_orchestrator.backends.local_processes import MARK, environ, kill_all
from oneshot_orchestrator.backends.local_sandbox import LocalSandbox
from oneshot_orchestrator.backends.records import Records, does_not_build
from oneshot_orchestrator.contract import Environment, Sandbox, SandboxSpec, Say
from oneshot_orchestrator.settings import OrchestratorSettings
from oneshot_shared import archive, placeholders
from oneshot_shared.errors import BadInput, NotReady, printable
from oneshot_shared.git import is_git
from oneshot_shared.task import LocalSetup, Task

_KEPT_FOR_SETUP = (  # an index's address may hold a password: no sandbox gets it
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT", "PIP_CONFIG_FILE", "HOME", "HTTPS_PROXY",
    "HTTP_PROXY", "NO_PROXY",
)  # fmt: skip


class LocalSlot:
    """No network of its own: the gateway's loopback port."""

    def gateway_url(self, port: int) -> str:
        """The gateway itself."""
        return f"http://127.0.0.1:{port}/v1"


class LocalBackend:
    """Environments are folders that `setup` filled, sandboxes copies of the base."""

    name = "local"
    supervisor_is_root = False

    def __init__(self, settings: OrchestratorSettings, state: Path) -> None:
        self._settings = settings
        self._owner = settings.owner
        self._records = Records(state / "environments" / self.name)
        self._sandboxes = state / "sandboxes"

    async def ready(self) -> None:
        """Nothing is needed."""

    def check(self, task: Task) -> None:
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

    async def reap(self) -> None:
        """Processes and folders of sandboxes, and environments that are not whole."""
        await asyncio.to_thread(kill_all, f"{self._owner}/", self._sandboxes)
        await asyncio.to_thread(folders.remove, self._sandboxes)
        await self._records.sweep()

    @asynccontextmanager
    async def build(self, task: Task, say: Say, log: Path, *, agent_files: bool) -> AsyncIterator[Environment]:
        """Copy the base and run the task's setup, once for each content of both. Agents are this machine's own."""
        setup = _setup_of(task)
        base = await asyncio.to_thread(archive.digest, _base_of(task))
        content = f"{base}\n{setup.model_dump_json()}\n{sys.version}"
        key = hashlib.sha256(content.encode()).hexdigest()[:24]
        environment = await self._build(key, task, say, log)
        async with self._records.used(environment.folder):
            yield environment

    async def _build(self, key: str, task: Task, say: Say, log: Path) -> Environment:
        folder = await self._records.make(key, partial(self._fill, task, say, log))
        words = _words(folder)
        env = {name: placeholders.fill(value, words) for name, value in _setup_of(task).env.items()}
        renew, resources = partial(self._build, key, task, say, log), task.config.environment
        return Environment(key, str(folder / "base"), folder, os.getuid(), os.getgid(), env, resources, renew)

    async def _fill(self, task: Task, say: Say, log: Path, place: Path) -> None:
        base = place / "base"
        await folders.on_thread(shutil.copytree, _base_of(task), base, symlinks=True, ignore=_gits)
        (place / "env").mkdir()
        words = _words(place) | {"tree": str(base)}
        for command in _setup_of(task).setup:
            argv = [placeholders.fill(part, words) for part in command]
            say(" ".join(argv)[:120])
            if why := await self._setup(argv, place, log, task.config.environment.build_timeout_sec):
                raise does_not_build(task.slug, why, log)
        await folders.on_thread(_drop_leading_out, base, log)

    async def _setup(self, argv: list[str], place: Path, log: Path, timeout: float) -> str:
        """Run one command of the setup; returns why it failed, or nothing."""
        mark = f"{self._owner}/setup/{place.name}"
        env = environ(*_KEPT_FOR_SETUP) | {MARK: mark}
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
                return f"{argv[0]!r} cannot be run ({error.strerror})"
            try:
                async with asyncio.timeout(timeout):
                    code = await process.wait()
            except TimeoutError:
                return f"{' '.join(argv)!r} took longer than {timeout:g} s"
            finally:
                await asyncio.shield(asyncio.to_thread(kill_all, mark, place))
                await process.wait()
        return f"{' '.join(argv)!r} ended with exit code {code}" if code else ""

    async def open_slot(self, index: int) -> LocalSlot:
        """Nothing to make."""
        return LocalSlot()

    @asynccontextmanager
    async def sandbox(self, environment: Environment, spec: SandboxSpec) -> AsyncIterator[Sandbox]:
        """A folder that is removed when its context ends, with every process that was started in it."""
        environment = await _renewed(environment)
        folder = self._sandboxes / f"{spec.run_id}-{spec.purpose}"
        storage = disk.limit(self._settings, environment)
        sandbox = LocalSandbox(folder, environment, f"{self._owner}/{spec.run_id}/{spec.purpose}", storage)
        async with self._records.used(environment.folder):
            laying = asyncio.ensure_future(asyncio.to_thread(local_sandbox.lay, environment.folder / "base", folder))
            try:
                await asyncio.shield(laying)
                yield sandbox
            finally:
                await asyncio.shield(self._discard(sandbox, laying, folder))

    async def _discard(self, sandbox: LocalSandbox, laying: "asyncio.Future[None]", folder: Path) -> None:
        await asyncio.wait([laying])
        await sandbox.stop()
        await asyncio.to_thread(folders.remove, folder)

    async def close(self) -> None:
        """The same as at the start."""
        await self.reap()


async def _renewed(environment: Environment) -> Environment:
    """As it was built. :raises NotReady: an agent has spoilt it, and what built once does not build again."""
    assert environment.renew, "_build gives one"
    try:
        return replace(await environment.renew(), resources=environment.resources)
    except BadInput as error:
        why = "an agent has changed what sandboxes are made from, and the setup that worked before fails now"
        raise NotReady(f"{why}; submit the run again when it works: {error}") from None


def _setup_of(task: Task) -> LocalSetup:
    setup = task.config.metadata.oneshot.local
    assert setup, "check() refuses a task without"
    return setup


def _base_of(task: Task) -> Path:
    return task.path / "environment" / _setup_of(task).base


def _words(place: Path) -> dict[str, str]:
    return {"python": sys.executable, "env": str(place / "env"), "path": os.environ["PATH"]}


def _gits(folder: str, names: list[str]) -> list[str]:
    """What a base must not bring along: the sandbox's repository is made anew."""
    return [name for name in names if is_git(Path(name))]


def _drop_leading_out(base: Path, log: Path) -> None:
    """Take links that lead out of the tree away: none is taken from an agent's tree, so each would count as its deletion."""
    with log.open("a") as file:
        for path in base.rglob("*"):
            name = PurePosixPath(path.relative_to(base))
            if path.is_symlink() and archive.leads_out(name, str(path.readlink())):
                path.unlink()
                file.write(f"left out of the tree: {printable(str(name))}, a link that leads out of it\n")

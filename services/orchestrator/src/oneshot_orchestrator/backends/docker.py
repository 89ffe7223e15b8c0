"""Sandboxes as containers."""

import asyncio
import hashlib
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

import docker.errors

from oneshot_orchestrator import folders
from oneshot_orchestrator.backends import disk, docker_images, docker_sandbox, docker_slots, trees
from oneshot_orchestrator.backends.docker_engine import Engine
from oneshot_orchestrator.backends.docker_sandbox import DockerSandbox
from oneshot_orchestrator.backends.docker_slots import DockerSlot
from oneshot_orchestrator.backends.records import Records, does_not_build
from oneshot_orchestrator.contract import Environment, Sandbox, SandboxSpec, Say
from oneshot_orchestrator.settings import OrchestratorSettings
from oneshot_shared import archive, needs
from oneshot_shared.errors import BadInput, NotReady
from oneshot_shared.git import is_git
from oneshot_shared.task import Task


class DockerBackend:
    """Environments are images, sandboxes containers, slots networks with a relay."""

    name = "docker"
    supervisor_is_root = True

    def __init__(self, settings: OrchestratorSettings, state: Path) -> None:
        self._settings = settings
        self._engine = Engine(settings.owner)
        self._records = Records(state / "environments" / self.name)
        self._logs = state / "logs"
        self._logs.mkdir(parents=True, exist_ok=True)
        self._slots: dict[int, asyncio.Task[DockerSlot]] = {}
        self._agent_volume = docker_images.AgentVolume(self._engine)
        self._volume = ""
        self._has_buildx = False

    async def ready(self) -> None:
        """:raises NotReady: no engine, or no Buildx."""
        await self._engine.ping()
        if not self._has_buildx:
            await asyncio.to_thread(needs.buildx)
            self._has_buildx = True

    def check(self, task: Task) -> None:
        """Every task can."""

    async def reap(self) -> None:
        """Containers and networks; images and the agent volume stay for the next time."""
        await self._engine.ping()
        await self._engine.reap()
        await self._records.sweep()

    @asynccontextmanager
    async def build(self, task: Task, say: Say, log: Path, *, agent_files: bool) -> AsyncIterator[Environment]:
        """Build the task's image and record its tree."""
        environment = await self._build(task, say, log, agent_files)
        async with self._records.used(environment.folder):
            yield environment

    async def _build(self, task: Task, say: Say, log: Path, agent_files: bool) -> Environment:
        context = task.path / "environment"
        image = await asyncio.to_thread(docker_images.image_name, "env", context)
        async with self._records.lock(image):
            if not await docker_images.exists(self._engine, image):
                try:
                    await docker_images.build(image, context, say, log, task.config.environment.build_timeout_sec)
                except docker_images.BuildError:
                    raise does_not_build(task.slug, "docker buildx build failed", log) from None
        async with self._records.lock("agent volume"):
            if agent_files:
                self._volume = await self._agent_volume.get(image, say, log)
        details = await self._engine(self._engine.api.inspect_image, image)
        tree = task.config.environment.workdir
        key = hashlib.sha256(f"{details['Id']}\n{tree}".encode()).hexdigest()[:24]
        folder = await self._records.make(key, lambda place: self._record(image, tree, place))
        user = str(task.config.agent.user or details["Config"].get("User") or "")
        uid, gid = _ids((folder / "passwd").read_text(), user, task.slug)
        return Environment(image, tree, folder, uid, gid, resources=task.config.environment)

    async def _record(self, image: str, tree: str, place: Path) -> None:
        labels = self._engine.labels("record")
        async with self._engine.container(image, ["true"], entrypoint=[], labels=labels) as container:
            (place / "passwd").write_bytes(await self._passwd(container))
            (place / "base").mkdir()
            try:
                file = await self._get(container, tree)
            except docker.errors.NotFound:
                raise BadInput(
                    f"the image has no {tree}; set [environment] workdir in task.toml to the tree's place"
                ) from None
            with file:
                _check_folder(file, tree)
                unpack = archive.unpack
                await folders.on_thread(unpack, file, place / "base", strip=1, skip=is_git, refused=lambda *_: None)

    async def _passwd(self, container: str) -> bytes:
        try:
            with await self._get(container, "/etc/passwd") as file, tarfile.open(fileobj=file) as tar:
                content = tar.extractfile("passwd")
                return content.read() if content else b""
        except docker.errors.NotFound:
            return b""

    async def _get(self, container: str, path: str) -> IO[bytes]:
        def fetch() -> IO[bytes]:
            with self._engine.archive(container, path) as chunks:
                return trees.received(chunks)

        return await trees.handed_over(self._engine(fetch))

    async def open_slot(self, index: int) -> DockerSlot:
        """A network and its relay. A making that was broken off goes on, and whoever comes next waits for it."""
        making = self._slots.get(index)
        if making is None or making.done():
            log = self._logs / "relay-build.log"
            making = asyncio.create_task(docker_slots.open_slot(self._engine, self._settings, index, log))
            self._slots[index] = making
        return await asyncio.shield(making)

    @asynccontextmanager
    async def sandbox(self, environment: Environment, spec: SandboxSpec) -> AsyncIterator[Sandbox]:
        """A container that is removed when its context ends, whatever happened."""
        options = docker_sandbox.options(self._engine, self._settings, environment, spec, self._volume)
        async with self._engine.container(environment.image, ["sleep", "infinity"], **options) as container:
            try:
                await self._engine(self._engine.api.start, container)
            except docker.errors.APIError as error:
                raise NotReady(f"the sandbox does not start: {error.explanation}") from None
            storage = disk.limit(self._settings, environment)
            sandbox = DockerSandbox(self._engine, container, environment, spec, storage)
            await sandbox.prepare()
            yield sandbox

    async def close(self) -> None:
        """Remove containers and networks; images and the agent volume stay for the next time."""
        for making in self._slots.values():
            making.cancel()
        if self._slots:
            await asyncio.wait(self._slots.values())
        await self._engine.close()


def _check_folder(file: IO[bytes], tree: str) -> None:
    """:raises BadInput: the engine sent something else than a folder: of a link it sends nothing but the link."""
    with tarfile.open(fileobj=file) as tar:
        first = tar.next()
    if first and not first.isdir():
        what = f"a link to {first.linkname}" if first.issym() else "no folder"
        raise BadInput(f"{tree} in the image is {what}; set [environment] workdir in task.toml to the folder itself")
    file.seek(0)


def _ids(passwd: str, user: str, slug: str) -> tuple[int, int]:
    """uid and gid of the image's user, who must not be root. :raises BadInput: root, or no such user."""
    name = user.split(":")[0]
    for line in passwd.splitlines():
        fields = line.split(":")
        if len(fields) > 3 and name in (fields[0], fields[2]) and fields[2] != "0":
            return int(fields[2]), int(fields[3])
    if name.isdigit() and name != "0":
        return int(name), int(name)
    why = "root" if name in ("", "root", "0") else f"{name!r}, whom the image does not know"
    raise BadInput(
        f"the agent of task {slug!r} would run as {why}; make a user in environment/Dockerfile (useradd --create-home agent) "
        'and set [agent] user = "agent" in task.toml'
    )

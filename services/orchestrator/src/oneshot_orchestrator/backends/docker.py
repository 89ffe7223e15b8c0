"""Sandboxes as containers."""

import asyncio
import contextlib
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

import docker.errors

from oneshot_orchestrator import git
from oneshot_orchestrator.backends import docker_images, docker_slots
from oneshot_orchestrator.backends.docker_engine import Engine
from oneshot_orchestrator.backends.docker_slots import DockerSlot
from oneshot_orchestrator.backends.records import Records, does_not_build
from oneshot_orchestrator.contract import Environment, Exit, Role, Sandbox, SandboxSpec, Say, Sink
from oneshot_orchestrator.settings import OrchestratorSettings
from oneshot_shared import archive
from oneshot_shared.errors import BadInput, NotReady
from oneshot_shared.task import Task

_SCRATCH = "/oneshot"
_AGENT_FILES = "/opt/oneshot-agent"
_SUPERVISOR_CAPABILITIES = ["SETUID", "SETGID", "KILL", "CHOWN", "DAC_OVERRIDE", "FOWNER"]
_SETUP_IDS = {"root": 0, "": 0}


class DockerBackend:
    """Environments are images, sandboxes containers, slots networks with a relay."""

    name = "docker"

    def __init__(self, settings: OrchestratorSettings, state: Path) -> None:
        self._settings = settings
        self._engine = Engine(settings.owner)
        self._records = Records(state / "environments")
        self._logs = state / "logs"
        self._logs.mkdir(parents=True, exist_ok=True)
        self._volume = ""
        self._reaped = False

    async def check(self, task: Task) -> None:
        """:raises NotReady: no engine."""
        await self._engine.ping()

    async def _start(self) -> None:
        """Before the first use: remove what an earlier process of this stack left."""
        if not self._reaped:
            self._reaped = True
            await self._engine.reap()

    async def build(self, task: Task, say: Say, log: Path) -> Environment:
        """Build the task's image and record its tree."""
        await self._start()
        context = task.path / "environment"
        image = docker_images.image_name("env", context)
        async with self._records.lock(image):
            if not await docker_images.exists(self._engine, image):
                try:
                    await docker_images.build(image, context, say, log, task.config.environment.build_timeout_sec)
                except docker_images.BuildError:
                    raise does_not_build(task.slug, "docker buildx build failed", log) from None
            details = await self._engine(self._engine.api.inspect_image, image)
            if not self._volume:
                self._volume = await docker_images.agent_volume(self._engine, say, log)
        user = str(task.config.agent.user or details["Config"].get("User") or "")
        tree = task.config.environment.workdir
        key = f"docker-{details['Id'].removeprefix('sha256:')[:24]}-{user or 'root'}"
        folder = await self._records.make(key, lambda place: self._record(image, tree, place))
        uid, gid = _ids((folder / "passwd").read_text(), user, task.slug)
        return Environment(image, tree, folder, uid, gid)

    async def _record(self, image: str, tree: str, place: Path) -> None:
        container = await self._engine(
            self._engine.api.create_container, image, ["true"], entrypoint=[], labels=self._engine.labels("record")
        )
        try:
            passwd = await self._get(container["Id"], "/etc/passwd")
            with tarfile.open(fileobj=passwd) as tar:
                content = tar.extractfile("passwd")
                (place / "passwd").write_bytes(content.read() if content else b"")
            (place / "base").mkdir()
            with await self._get(container["Id"], tree) as file:
                unpack = archive.unpack
                await asyncio.to_thread(unpack, file, place / "base", strip=1, skip=git.is_git, refused=lambda *_: None)
        finally:
            await self._engine.remove_container(container["Id"])

    async def _get(self, container: str, path: str) -> IO[bytes]:
        def fetch() -> IO[bytes]:
            chunks, _ = self._engine.api.get_archive(container, path, chunk_size=1 << 20)
            return archive.spool(chunks)

        try:
            return await self._engine(fetch)
        except docker.errors.NotFound:
            raise BadInput(
                f"the image has no {path}; set [environment] workdir in task.toml to the tree's place"
            ) from None

    async def open_slot(self, index: int) -> DockerSlot:
        """A network and its relay."""
        await self._start()
        return await docker_slots.open_slot(self._engine, self._settings, index, self._logs / "relay-build.log")

    @asynccontextmanager
    async def sandbox(self, environment: Environment, spec: SandboxSpec) -> AsyncIterator[Sandbox]:
        """A container that is removed when its context ends, whatever happened."""
        creating = asyncio.ensure_future(self._create(environment, spec))
        try:
            container = await asyncio.shield(creating)
            try:
                await self._engine(self._engine.api.start, container)
            except docker.errors.APIError as error:
                raise NotReady(f"the sandbox does not start: {error.explanation}") from None
            yield _Container(self._engine, container, environment, spec)
        finally:
            await asyncio.shield(self._discard(creating))

    async def _discard(self, creating: "asyncio.Future[str]") -> None:
        with contextlib.suppress(docker.errors.APIError):
            await self._engine.remove_container(await creating)

    async def _create(self, environment: Environment, spec: SandboxSpec) -> str:
        network = spec.slot.network if isinstance(spec.slot, DockerSlot) else "none"
        api = self._engine.api
        memory = f"{self._settings.memory_mb}m"
        host_config = api.create_host_config(
            init=True,
            network_mode=network,
            cap_drop=["ALL"],
            cap_add=_SUPERVISOR_CAPABILITIES if spec.supervised else [],
            security_opt=["no-new-privileges"],
            mem_limit=memory,
            memswap_limit=memory,
            nano_cpus=int(self._settings.cpus * 1e9),
            pids_limit=1024,
            shm_size="256m",
            binds=[f"{self._volume}:{_AGENT_FILES}:ro"] if spec.agent_files else [],
            log_config={"Type": "none"},
        )
        created: dict[str, Any] = await self._engine(
            api.create_container,
            environment.image,
            ["sleep", "infinity"],
            entrypoint=[],
            name=f"oneshot-{self._engine.owner}-{spec.run_id}-{spec.purpose}",
            user="0:0" if spec.supervised else f"{environment.uid}:{environment.gid}",
            working_dir=environment.tree,
            labels=self._engine.labels("sandbox", spec.run_id),
            host_config=host_config,
        )
        return str(created["Id"])

    async def close(self) -> None:
        """Remove containers and networks; images and the agent volume stay for the next time."""
        if self._reaped:
            with contextlib.suppress(NotReady, docker.errors.APIError):
                await self._engine.reap()
        self._engine.close()


def _ids(passwd: str, user: str, slug: str) -> tuple[int, int]:
    """uid and gid of the image's user, who must not be root. :raises BadInput: root, or no such user."""
    name = user.split(":")[0]
    for line in passwd.splitlines():
        fields = line.split(":")
        if len(fields) > 3 and name in (fields[0], fields[2]) and fields[2] != "0":
            return int(fields[2]), int(fields[3])
    if name.isdigit() and name != "0":
        return int(name), int(name)
    why = "root" if name in _SETUP_IDS or name == "0" else f"{name!r}, whom the image does not know"
    raise BadInput(
        f"the agent of task {slug!r} would run as {why}; make a user in environment/Dockerfile (useradd --create-home agent) "
        'and set [agent] user = "agent" in task.toml'
    )


class _Container:
    def __init__(self, engine: Engine, container: str, environment: Environment, spec: SandboxSpec) -> None:
        self._engine = engine
        self._id = container
        self._environment = environment
        self._supervised = spec.supervised
        self.tree = environment.tree
        self.scratch = _SCRATCH

    async def run(
        self, argv: list[str], *, role: Role, env: dict[str, str], timeout: float, out: Sink, err: Sink
    ) -> Exit:
        api = self._engine.api
        owner = "0:0" if role is Role.SUPERVISOR else f"{self._environment.uid}:{self._environment.gid}"
        created = await self._engine(api.exec_create, self._id, argv, user=owner, environment=env, workdir=self.tree)
        loop = asyncio.get_running_loop()

        def follow() -> None:
            for stdout, stderr in api.exec_start(created["Id"], stream=True, demux=True):
                if stdout:
                    loop.call_soon_threadsafe(out, stdout)
                if stderr:
                    loop.call_soon_threadsafe(err, stderr)

        following = asyncio.ensure_future(self._engine(follow))
        done, _ = await asyncio.wait([following], timeout=timeout)
        if not done:
            await self.stop()
            await asyncio.wait([following], timeout=10)
            return Exit(-1, timed_out=True)
        following.result()
        return Exit(int((await self._engine(api.exec_inspect, created["Id"]))["ExitCode"]))

    async def put(self, tar: IO[bytes], folder: str) -> None:
        rewritten = await asyncio.to_thread(self._rewrite, tar, PurePosixPath(folder))
        with rewritten:
            await self._engine(self._engine.api.put_archive, self._id, "/", rewritten)

    def _rewrite(self, tar: IO[bytes], folder: PurePosixPath) -> IO[bytes]:
        """The same members below `folder`, owned by the agent (by root in a supervised sandbox)."""
        uid, gid = (0, 0) if self._supervised else (self._environment.uid, self._environment.gid)
        output = archive.spool([])
        with tarfile.open(fileobj=tar) as source, tarfile.open(fileobj=output, mode="w") as target:
            if str(folder) != self.tree:
                top = tarfile.TarInfo(str(folder).lstrip("/"))
                top.type, top.mode, top.uid, top.gid = tarfile.DIRTYPE, 0o755, uid, gid
                target.addfile(top)
            for member in source:
                member.name = str(folder / member.name).lstrip("/")
                member.uid, member.gid, member.uname, member.gname = uid, gid, "", ""
                target.addfile(member, source.extractfile(member) if member.isfile() else None)
        output.seek(0)
        return output

    async def remove(self, paths: list[str]) -> None:
        for start in range(0, len(paths), 500):
            command = ["rm", "-f", "--", *paths[start : start + 500]]
            ended = await self.run(command, role=Role.AGENT, env={}, timeout=60, out=_drop, err=_drop)
            if ended.code:
                raise NotReady(f"rm in the sandbox ended with exit code {ended.code}; is /bin/rm in the image?")

    async def stop(self) -> None:
        try:
            await self._engine(self._engine.api.kill, self._id)
        except docker.errors.APIError as error:
            if error.status_code not in (404, 409):  # gone, or not running
                raise

    async def get_tree(self) -> IO[bytes]:
        def fetch() -> IO[bytes]:
            chunks, _ = self._engine.api.get_archive(self._id, self.tree, chunk_size=1 << 20)
            return _spool_capped(chunks)

        return await self._engine(fetch)


def _spool_capped(chunks: Any) -> IO[bytes]:  # noqa: ANN401
    """The tree as sent, refused when it is larger than what we unpack."""
    limit, total = archive.Caps().bytes, 0

    def counted() -> Any:  # noqa: ANN401
        nonlocal total
        for chunk in chunks:
            total += len(chunk)
            if total > limit:
                raise BadInput(f"the tree has more than {limit} bytes, the allowed maximum")
            yield chunk

    return archive.spool(counted())


def _drop(_: bytes) -> None:
    pass

"""A running container as a sandbox."""

import asyncio
import tarfile
from pathlib import PurePosixPath
from typing import IO, Any

import docker.errors
from docker.utils.socket import STDERR, frames_iter

from oneshot_orchestrator.backends import trees
from oneshot_orchestrator.backends.docker_engine import Engine
from oneshot_orchestrator.backends.docker_slots import DockerSlot
from oneshot_orchestrator.contract import Environment, Exit, Role, SandboxSpec, Sink
from oneshot_orchestrator.settings import OrchestratorSettings
from oneshot_shared import archive
from oneshot_shared.errors import NotReady

SCRATCH = "/oneshot"
AGENT_FILES = "/opt/oneshot-agent"
_SUPERVISOR_CAPABILITIES = ["SETUID", "SETGID", "KILL", "CHOWN", "DAC_OVERRIDE", "FOWNER"]
_PROCESSES = 1024
_KILL_SECONDS = 10.0
_DISK_SECONDS = 5.0


def storage_bytes(settings: OrchestratorSettings, environment: Environment) -> int:
    """What a sandbox may write."""
    return (environment.resources.storage_mb or settings.storage_mb) * 2**20


def options(
    engine: Engine, settings: OrchestratorSettings, environment: Environment, spec: SandboxSpec, volume: str
) -> dict[str, Any]:
    """What docker-py needs to create the container: no rights, no more than its share, no network but its slot's."""
    wants = environment.resources
    memory = f"{wants.memory_mb or settings.memory_mb}m"
    storage = storage_bytes(settings, environment)
    return {
        "entrypoint": [],
        "name": f"oneshot-{engine.owner}-{spec.run_id}-{spec.purpose}",
        "user": "0:0" if spec.supervised else f"{environment.uid}:{environment.gid}",
        "working_dir": environment.tree,
        "labels": engine.labels("sandbox", spec.run_id),
        "host_config": engine.api.create_host_config(
            init=True,
            network_mode=spec.slot.network if isinstance(spec.slot, DockerSlot) else "none",
            cap_drop=["ALL"],
            cap_add=_SUPERVISOR_CAPABILITIES if spec.supervised else [],
            security_opt=["no-new-privileges"],
            mem_limit=memory,
            memswap_limit=memory,
            nano_cpus=int((wants.cpus or settings.cpus) * 1e9),
            pids_limit=_PROCESSES,
            ulimits=[{"Name": "fsize", "Soft": storage, "Hard": storage}],
            shm_size="256m",
            binds=[f"{volume}:{AGENT_FILES}:ro"] if spec.agent_files else [],
            log_config={"Type": "none"},
        ),
    }


class DockerSandbox:
    """See contract.Sandbox."""

    def __init__(
        self, engine: Engine, container: str, environment: Environment, spec: SandboxSpec, storage: int
    ) -> None:
        self._storage = storage
        self._engine = engine
        self._id = container
        self._environment = environment
        self._supervised = spec.supervised
        self.tree = environment.tree
        self.scratch = SCRATCH
        self.agent_files = AGENT_FILES

    async def run(
        self, argv: list[str], *, role: Role, env: dict[str, str], timeout: float, out: Sink, err: Sink
    ) -> Exit:
        """See contract.Sandbox."""
        api = self._engine.api
        owner = "0:0" if role is Role.SUPERVISOR else f"{self._environment.uid}:{self._environment.gid}"
        created = await self._engine(api.exec_create, self._id, argv, user=owner, environment=env, workdir=self.tree)
        with _Delivery() as deliver:
            following = asyncio.ensure_future(self._engine(deliver.follow, api, created["Id"], out, err))
            filling = asyncio.create_task(self._until_full())
            try:
                done, _ = await asyncio.wait([following, filling], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            finally:
                filling.cancel()
            if following not in done:
                await self.stop()
                await asyncio.wait([following], timeout=_KILL_SECONDS)
                return Exit(-1, timed_out=not done, disk_full=filling in done)
            following.result()
        return Exit(int((await self._engine(api.exec_inspect, created["Id"]))["ExitCode"]))

    async def _until_full(self) -> None:
        """Return once the container has written more than it may: stock engines cannot limit that themselves."""
        await asyncio.sleep(_DISK_SECONDS)  # to be asked is work for the engine, and most commands are short
        while await self._written() <= self._storage:  # noqa: ASYNC110 -- another process writes
            await asyncio.sleep(_DISK_SECONDS)

    async def _written(self) -> int:
        containers = self._engine.api.containers
        found = await self._engine(containers, all=True, size=True, filters={"id": self._id})
        return sum(int(each.get("SizeRw", 0)) for each in found)

    async def put(self, tar: IO[bytes], folder: str) -> None:
        """See contract.Sandbox."""
        rewritten = await asyncio.to_thread(self._rewrite, tar, PurePosixPath(folder))
        with rewritten:
            await self._engine(self._engine.api.put_archive, self._id, "/", rewritten)

    def _rewrite(self, tar: IO[bytes], folder: PurePosixPath) -> IO[bytes]:
        """The same members below `folder`, owned by the agent (by root in a supervised sandbox)."""
        uid, gid = (0, 0) if self._supervised else (self._environment.uid, self._environment.gid)
        output = archive.spool([])
        made = {folder} if str(folder) == self.tree else set()
        with tarfile.open(fileobj=tar) as source, tarfile.open(fileobj=output, mode="w") as target:
            for member in source:
                path = folder / member.name
                for parent in reversed([each for each in path.parents if each.is_relative_to(folder)]):
                    if parent not in made:  # else the engine makes it, for root
                        target.addfile(_owned(tarfile.TarInfo(str(parent)), uid, gid, directory=True))
                        made.add(parent)
                if member.isdir():
                    made.add(path)
                member.name = str(path)
                target.addfile(_owned(member, uid, gid), source.extractfile(member) if member.isfile() else None)
        output.seek(0)
        return output

    async def remove(self, paths: list[str]) -> None:
        """See contract.Sandbox."""
        for start in range(0, len(paths), 500):
            command = ["rm", "-rf", "--", *(f"{self.tree}/{path}" for path in paths[start : start + 500])]
            ended = await self.run(command, role=Role.AGENT, env={}, timeout=60, out=_drop, err=_drop)
            if ended.code:
                raise NotReady(f"rm in the sandbox ended with exit code {ended.code}; is /bin/rm in the image?")

    async def stop(self) -> None:
        """See contract.Sandbox."""
        try:
            await self._engine(self._engine.api.kill, self._id)
        except docker.errors.APIError as error:
            if error.status_code not in (404, 409):  # gone, or not running
                raise

    async def get_tree(self) -> IO[bytes]:
        """See contract.Sandbox."""

        def fetch() -> IO[bytes]:
            try:
                chunks, _ = self._engine.api.get_archive(self._id, self.tree, chunk_size=1 << 20)
            except docker.errors.NotFound:
                return trees.empty()
            return trees.received(chunks)

        return await self._engine(fetch)


def _owned(member: tarfile.TarInfo, uid: int, gid: int, *, directory: bool = False) -> tarfile.TarInfo:
    member.name = member.name.lstrip("/")
    member.pax_headers = {}  # for a long or foreign name they hold the old one, and would win
    member.uid, member.gid, member.uname, member.gname = uid, gid, "", ""
    if directory:
        member.type, member.mode = tarfile.DIRTYPE, 0o755
    return member


class _Delivery:
    """Carries a command's output from a thread to the sinks on the loop, until nobody listens any more."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._listening = True

    def __enter__(self) -> "_Delivery":
        return self

    def __exit__(self, *_: object) -> None:
        self._listening = False

    def follow(self, api: Any, exec_id: str, out: Sink, err: Sink) -> None:  # noqa: ANN401 -- docker-py has no types
        stream = api.exec_start(exec_id, socket=True)
        try:
            for kind, chunk in frames_iter(stream, tty=False):  # type: ignore[no-untyped-call]
                if chunk and self._listening:
                    self._loop.call_soon_threadsafe(self._deliver, err if kind == STDERR else out, chunk)
        finally:  # docker-py leaves the connection to the garbage collector
            stream._response.close()

    def _deliver(self, sink: Sink, chunk: bytes) -> None:
        if self._listening:
            sink(chunk)


def _drop(_: bytes) -> None:
    pass

"""A running container as a sandbox."""

import asyncio
import os
import string
import tarfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO, Any

import docker.errors

from oneshot_orchestrator.backends import disk, docker_exec, trees
from oneshot_orchestrator.backends.docker_engine import Engine
from oneshot_orchestrator.backends.docker_slots import DockerSlot
from oneshot_orchestrator.contract import Environment, Exit, Role, SandboxSpec, Sink
from oneshot_orchestrator.settings import OrchestratorSettings
from oneshot_shared import archive, logs
from oneshot_shared.errors import BadInput, sentence

SCRATCH = "/oneshot"
AGENT_FILES = "/opt/oneshot-agent"
_SUPERVISOR_CAPABILITIES = ["SETUID", "SETGID", "KILL", "CHOWN", "DAC_OVERRIDE", "FOWNER"]
_PROCESSES = 1024
_KILL_SECONDS = 10.0
_PLAIN = frozenset(string.ascii_letters.encode() + string.digits.encode() + b"/._-")
_WORDS, _LETTERS = 500, 1_000_000
_REMOVE = """
for each; do
    path=$(printf '%bx' "$each") path=${path%x} above=$path
    shift
    while [ "${above%/*}" != "$above" ]; do
        above=${above%/*}
        [ ! -L "$above" ] || continue 2
    done
    [ -L "$path" ] || [ ! -d "$path" ] || chmod -R u+rwx -- "$path" 2> /dev/null
    set -- "$@" "$path"
done
rm -rf -- "$@"
"""


def options(
    engine: Engine, settings: OrchestratorSettings, environment: Environment, spec: SandboxSpec, volume: str
) -> dict[str, Any]:
    """What docker-py needs to create the container: no rights, no more than its share, no network but its slot's."""
    wants = environment.resources
    memory = f"{wants.memory_mb or settings.memory_mb}m"
    storage = disk.limit(settings, environment)
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
        owner = "0:0" if role is Role.SUPERVISOR else f"{self._environment.uid}:{self._environment.gid}"
        create = self._engine.api.exec_create
        created = await self._engine(create, self._id, argv, user=owner, environment=env, workdir=self.tree)
        following = asyncio.create_task(docker_exec.follow(self._engine, created["Id"], out, err))
        filling = asyncio.create_task(disk.until_full(self._written, self._storage))
        try:
            done, _ = await asyncio.wait([following, filling], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if following in done:
                return Exit(following.result())
            if filling in done:
                filling.result()
            return Exit(-1, timed_out=not done, disk_full=filling in done)
        finally:
            filling.cancel()
            if not following.done() or following.exception():
                await self._end(following)

    async def _end(self, following: "asyncio.Task[int]") -> None:
        """Kill everything, and let the last output come."""
        await self.stop()
        await asyncio.wait([following], timeout=_KILL_SECONDS)
        following.cancel()
        await asyncio.wait([following])
        _ = following.cancelled() or following.exception()  # the caller has its own answer

    async def _written(self) -> int:
        """What the container has written: stock engines cannot limit that themselves."""
        containers = self._engine.api.containers
        try:
            found = await self._engine(containers, all=True, size=True, filters={"id": self._id})
        except (docker.errors.DockerException, OSError) as error:  # an engine that is busy: the agent has done nothing
            logs.get().warning("the size of a sandbox is not known", container=self._id[:12], error=sentence(error))
            return 0
        return sum(int(each.get("SizeRw", 0)) for each in found)

    async def prepare(self) -> None:
        """Make what every sandbox has and the image lacks."""
        with archive.spool([]) as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                tar.addfile(_owned(tarfile.TarInfo(self.scratch), *self._owner(), directory=True))
            file.seek(0)
            await self._engine(self._engine.api.put_archive, self._id, "/", file)

    def _owner(self) -> tuple[int, int]:
        """Whose everything is that is put: the agent's, but in a supervised sandbox the supervisor's."""
        return (0, 0) if self._supervised else (self._environment.uid, self._environment.gid)

    async def put(self, tar: IO[bytes], folder: str) -> None:
        """See contract.Sandbox."""
        rewritten = await trees.handed_over(asyncio.to_thread(self._rewrite, tar, PurePosixPath(folder)))
        with rewritten:
            await self._engine(self._engine.api.put_archive, self._id, "/", rewritten)

    def _rewrite(self, tar: IO[bytes], folder: PurePosixPath) -> IO[bytes]:
        """The same members below `folder`, with their owner and no more of their mode than whether they can be run."""
        uid, gid = self._owner()
        output = archive.spool([])
        ours = [PurePosixPath(place) for place in (self.tree, self.scratch)]
        made: set[PurePosixPath] = set()
        with tarfile.open(fileobj=tar) as source, tarfile.open(fileobj=output, mode="w") as target:
            for member in source:
                path = folder / member.name
                for parent in reversed(path.parents):  # else the engine makes it, for root
                    if parent not in made and any(place in parent.parents for place in ours):
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
        for some in _pieces([_escaped(path) for path in paths]):
            said = bytearray()
            ended = await self.run(
                ["sh", "-c", _REMOVE, "sh", *some], role=Role.AGENT, env={}, timeout=60, out=_drop, err=said.extend
            )
            if ended.code:
                words = said.decode(errors="replace").strip().splitlines()
                why = words[-1][:300] if words else f"exit code {ended.code}"
                raise BadInput(
                    f"what the reference deletes cannot be removed as the agent: {why}; mend the task's image"
                )

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
                with self._engine.archive(self._id, self.tree) as chunks:
                    return trees.received(chunks)
            except docker.errors.NotFound:
                return trees.empty()

        return await trees.handed_over(self._engine(fetch))


def _owned(member: tarfile.TarInfo, uid: int, gid: int, *, directory: bool = False) -> tarfile.TarInfo:
    member.name = member.name.lstrip("/")
    member.pax_headers = {}  # for a long or foreign name they hold the old one, and would win
    member.uid, member.gid, member.uname, member.gname = uid, gid, "", ""
    if directory:
        member.type = tarfile.DIRTYPE
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member


def _escaped(path: str) -> str:
    """A path as printf's %b takes it: the engine's API cannot carry bytes that are not UTF-8."""
    return "".join(chr(byte) if byte in _PLAIN else f"\\0{byte:03o}" for byte in os.fsencode(path))


def _pieces(words: list[str]) -> Iterator[list[str]]:
    """Words in as many lists as one command line can hold each."""
    piece: list[str] = []
    for word in words:
        if piece and (len(piece) == _WORDS or sum(map(len, piece)) + len(word) > _LETTERS):
            yield piece
            piece = []
        piece.append(word)
    if piece:
        yield piece


def _drop(_: bytes) -> None:
    pass

"""What a check works with: a backend with the example's environment built, and one of its sandboxes."""

import asyncio
import contextlib
import dataclasses
import functools
import itertools
import os
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from oneshot_orchestrator.contract import Backend, Environment, Exit, Role, Sandbox, SandboxSpec
from oneshot_orchestrator.overlay import files_tar
from oneshot_shared import archive
from oneshot_shared.git import is_git
from oneshot_shared.task import load
from orchestrator import harness, trees

SOAK = os.environ.get("ONESHOT_SOAK") == "1"
SLEEP = harness.sleep_length()
GATEWAY = b"the gateway"
MB = 1 << 20


@dataclass(frozen=True)
class Ran:
    """How a command ended, and both of its outputs."""

    exit: Exit
    out: bytes
    err: bytes


@dataclass
class Box:
    """A sandbox, with short words for what checks do in it."""

    bench: "Bench"
    sandbox: Sandbox

    async def run(self, *argv: str, timeout: float = 30, role: Role = Role.AGENT, **env: str) -> Ran:
        """Run a command as the agent."""
        out, err = bytearray(), bytearray()
        ended = await self.sandbox.run(list(argv), role=role, env=env, timeout=timeout, out=out.extend, err=err.extend)
        return Ran(ended, bytes(out), bytes(err))

    async def sh(self, script: str, *words: str, timeout: float = 30, **env: str) -> Ran:
        """Run a shell script with its words."""
        return await self.run("sh", "-c", script, "sh", *words, timeout=timeout, **env)

    async def says(self, script: str, *words: str, **env: str) -> str:
        """A shell script's output; it must end well and complain about nothing."""
        ran = await self.sh(script, *words, **env)
        assert (ran.exit, ran.err) == (Exit(0), b""), (ran.exit, ran.out[-500:], ran.err[-500:])
        return os.fsdecode(ran.out)

    async def python(self, source: str, *words: str, timeout: float = 30) -> str:
        """A Python script's output; it must end well."""
        ran = await self.run("python3", "-c", source, *words, timeout=timeout)
        assert ran.exit == Exit(0), (ran.exit, ran.out[-500:], ran.err[-2000:])
        return os.fsdecode(ran.out)

    async def put(self, files: dict[str, bytes], folder: str) -> None:
        """Lay files into a folder."""
        with files_tar(files) as tar:
            await self.sandbox.put(tar, folder)

    async def names(self) -> list[str]:
        """The names of everything that comes out, folders apart, without the component that all begin with."""
        with await self.sandbox.get_tree() as file:
            return await asyncio.to_thread(_names, file)

    async def tree(self) -> trees.Tree:
        """The sandbox's tree as a run takes it: what leads out of it and what is no file is left out."""
        return await asyncio.to_thread(trees.read, await self.tree_folder())

    async def tree_folder(self) -> Path:
        """The same, in a folder."""
        folder = self.bench.folder()
        with await self.sandbox.get_tree() as file:
            unpack = functools.partial(archive.unpack, strip=1, skip=is_git, refused=lambda *_: None)
            await asyncio.to_thread(unpack, file, folder)
        return folder


@dataclass
class Bench:
    """A backend, the example's environment, and the gateway that its slots lead to."""

    backend: Backend
    environment: Environment
    place: Path
    port: int
    """The gateway's, on this machine."""
    leftovers: Callable[[], list[str]]
    """What there is of the backend's sandboxes now, by their names."""
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _shared: Box | None = None
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    def folder(self) -> Path:
        """A new folder of ours."""
        made = self.place / f"folder-{next(self._numbers)}"
        made.mkdir()
        return made

    @contextlib.asynccontextmanager
    async def box(
        self, run_id: str = "", *, resources: dict[str, Any] | None = None, **spec: Any
    ) -> AsyncIterator[Box]:
        """A fresh sandbox; with `resources` of a task that asks for these."""
        wants = dataclasses.replace(
            self.environment, resources=self.environment.resources.model_copy(update=resources or {})
        )
        made = SandboxSpec(run_id or f"check-{next(self._numbers)}", spec.pop("purpose", "agent"), **spec)
        async with self.backend.sandbox(wants, made) as sandbox:
            yield Box(self, sandbox)

    async def shared(self) -> Box:
        """The sandbox of all checks that disturb nobody."""
        if self._shared is None:
            self._shared = await self._stack.enter_async_context(self.box())
        return self._shared

    def spoil(self) -> None:
        """The shared sandbox is of no use any more: the next check gets another."""
        self._shared = None

    async def close(self) -> None:
        """Remove the shared sandbox."""
        await self._stack.aclose()


@contextlib.asynccontextmanager
async def bench(backend: Backend, place: Path, port: int, leftovers: Callable[[], list[str]]) -> AsyncIterator[Bench]:
    """The example's environment, built by a backend."""
    task = load(harness.task(place))
    await backend.ready()
    backend.check(task)
    async with backend.build(task, lambda _: None, place / "build.log", agent_files=True) as environment:
        made = Bench(backend, environment, place, port, leftovers)
        try:
            yield made
        finally:
            await made.close()


@contextlib.asynccontextmanager
async def gateway(socket: Path) -> AsyncIterator[int]:
    """Somebody who answers where a run's gateway would: at a unix socket and at a port of this machine; yields the port."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GATEWAY)
        writer.close()

    async with await asyncio.start_unix_server(answer, socket), await asyncio.start_server(answer, "0.0.0.0", 0) as tcp:
        yield tcp.sockets[0].getsockname()[1]


def _names(file: Any) -> list[str]:
    with tarfile.open(fileobj=file, mode="r|") as tar:
        return sorted(
            path.partition("/")[2] for path, kind in ((m.name, m.type) for m in tar) if kind != tarfile.DIRTYPE
        )


class Call(Protocol):
    """A check's function: it gets a sandbox, or the bench to make some of its own."""

    __name__: str

    def __call__(self, given: Any, /) -> Awaitable[None]: ...


@dataclass(frozen=True)
class Check:
    """One thing that every sandbox does; its name says what."""

    name: str
    run: Callable[[Bench], Awaitable[None]]


CHECKS: list[Check] = []


def shared(call: Call) -> Call:
    """Register a check that works beside others in one sandbox: it leaves tree, processes and files of others alone."""

    async def run(bench: Bench) -> None:
        try:
            await call(await bench.shared())
        except BaseException:
            bench.spoil()
            raise

    CHECKS.append(Check(call.__name__, run))
    return call


def fresh(call: Call) -> Call:
    """Register a check that gets a sandbox for itself; nothing of it is left afterwards."""

    async def run(bench: Bench) -> None:
        async with bench.box() as box:
            await call(box)
        assert harness.marked(SLEEP) == []

    CHECKS.append(Check(call.__name__, run))
    return call


def own(call: Call) -> Call:
    """Register a check that makes its sandboxes itself."""

    async def run(bench: Bench) -> None:
        await call(bench)

    CHECKS.append(Check(call.__name__, run))
    return call

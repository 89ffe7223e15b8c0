"""A real stack in the test's own loop: proxy, grader and scheduler on unix sockets, with data in a folder of the test's."""

import asyncio
import contextlib
import json
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fakes.model_server import Answer, items
from oneshot.grader.v1 import grader_pb2, grader_pb2_grpc
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.orchestrator.v1 import orchestrator_pb2_grpc
from oneshot.proxy.v1 import proxy_pb2, proxy_pb2_grpc
from oneshot_grader.servicer import GraderServicer
from oneshot_grader.settings import GraderSettings
from oneshot_orchestrator.contract import Role
from oneshot_orchestrator.pipeline import Services
from oneshot_orchestrator.scheduler import Scheduler
from oneshot_orchestrator.servicer import OrchestratorServicer
from oneshot_orchestrator.settings import OrchestratorSettings
from oneshot_proxy.settings import ProxySettings
from oneshot_shared import archive, client, server
from oneshot_shared.transfer import outgoing

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # mitmproxy 12.2 calls old names of pyparsing while imported
    from oneshot_proxy.app import running

HELLO = Path(__file__).parents[2] / "data" / "tasks" / "prepared" / "hello-world"
LIVE = [  # mitmproxy now and then leaves a client's connection to the garbage collector when the upstream closes first
    pytest.mark.usefixtures("live"),
    pytest.mark.filterwarnings("ignore:(unclosed|loop is closed):ResourceWarning"),
]
CANARY = "sk-canary-7f3b19c2d4e58a60"
MODEL = "gpt-5.5"
TOKEN = "caller-token"
PASS, FAIL, INVALID = grader_pb2.VERDICT_PASS, grader_pb2.VERDICT_FAIL, grader_pb2.VERDICT_INVALID
INFRA, TASK = grader_pb2.BLAME_INFRA, grader_pb2.BLAME_TASK
AGENT = Role.AGENT
SOLVE = "printf '\\nhello world\\n' >> README.md"


def cassette() -> list[list[dict[str, Any]]]:
    """What the model says in the example task's cassette, call by call."""
    lines = (HELLO / "oneshot" / "cassettes" / "hello-world.jsonl").read_text().splitlines()
    return [json.loads(line)["output"] for line in lines[1:]]


def answers() -> list[Answer]:
    """The same for a scripted model server."""
    return [items(*output) for output in cassette()]


def task(
    folder: Path, slug: str = "hello", *, source: Path = HELLO, setup: str = "[]", toml: tuple[str, str] = ("", "")
) -> Path:
    """An example task, whose local set-up takes this interpreter's pytest instead of fetching one."""
    made = folder / slug
    shutil.copytree(source, made, ignore=shutil.ignore_patterns("__pycache__"))
    text = (made / "task.toml").read_text()
    text = re.sub(r"setup = \[\n.*?\n\]\n", lambda _: f"setup = {setup}\n", text, flags=re.DOTALL)
    text = text.replace("{env}/venv/bin", str(Path(sys.executable).parent)).replace(*toml)
    (made / "task.toml").write_text(text)
    return made


@dataclass
class Stack:
    """A running stack and its client."""

    data: Path
    settings: OrchestratorSettings
    scheduler: Scheduler
    stub: Any
    proxy: Any
    events: dict[str, list[pb.RunEvent]] = field(default_factory=dict)

    async def keys(self, base_url: str, key: str = CANARY) -> None:
        """Hand over a provider's address and key."""
        variables = {"OPENAI_API_KEY": key, "OPENAI_BASE_URL": base_url}
        await self.proxy.PutKeys(proxy_pb2.PutKeysRequest(variables=variables))

    async def put(self, folder: Path, slug: str = "") -> str:
        """Send a task; returns its digest."""

        async def pieces() -> AsyncIterator[pb.PutTaskRequest]:
            yield pb.PutTaskRequest(slug=slug or folder.name)
            async for chunk, sha256 in outgoing(archive.pack(folder)):
                yield pb.PutTaskRequest(chunk=chunk, sha256=sha256)

        return (await self.stub.PutTask(pieces())).digest

    async def submit(
        self,
        folder: Path,
        agent: str = "nop",
        backend: str = "local",
        command: str = "",
        run_id: str = "run-1",
        limits: dict[str, Any] | None = None,
        **more: Any,
    ) -> pb.Run:
        """Submit a run of a task."""
        request = pb.SubmitRunRequest(
            run_id=run_id,
            task_digest=await self.put(folder),
            agent=pb.Agent(name=agent, command=command),
            backend=backend,
            limits=proxy_pb2.Limits(**(limits or {})),
            **more,
        )
        return (await self.stub.SubmitRun(request)).run

    async def codex(self, folder: Path, backend: str = "local", **more: Any) -> pb.Run:
        """Run Codex with a model to its end; with `provider` a live one, else the cassette's."""
        upstream = {} if "provider" in more else {"replay": "hello-world"}
        return await self.run(folder, "codex", backend, model=MODEL, **(upstream | more))

    async def run(self, folder: Path, *arguments: Any, **more: Any) -> pb.Run:
        """Submit a run and wait for its end."""
        return await self.end((await self.submit(folder, *arguments, **more)).run_id)

    async def end(self, run_id: str = "run-1") -> pb.Run:
        """Follow a run to its end; its events are in `events` then."""
        self.events[run_id] = []
        async for update in self.stub.WatchRun(pb.WatchRunRequest(run_id=run_id)):
            if update.HasField("run"):
                return update.run
            self.events[run_id].append(update.event)
        raise AssertionError("the stream ended before the run did")

    async def at(self, step: pb.Step, run_id: str = "run-1") -> None:
        """Wait until a run is at a step."""
        async with asyncio.timeout(60):
            async for update in self.stub.WatchRun(pb.WatchRunRequest(run_id=run_id)):
                assert not update.HasField("run"), f"the run ended before: {update.run}"
                if update.event.step == step:
                    return

    async def cancel(self, run_id: str = "run-1") -> pb.Run:
        """Cancel a run."""
        return (await self.stub.CancelRun(pb.CancelRunRequest(run_id=run_id))).run

    def file(self, name: str, run_id: str = "run-1") -> str:
        """A result file's text."""
        return (self.data / "runs" / run_id / name).read_text()


@contextlib.asynccontextmanager
async def orchestrator(data: Path, proxy: str, grader: str, **settings: Any) -> AsyncIterator[Stack]:
    """The orchestrator alone, beside running services."""
    with tempfile.TemporaryDirectory(prefix="osb-") as folder:
        sockets = Path(folder)
        (sockets / "token").write_text(TOKEN)
        made = OrchestratorSettings(
            listen=f"unix:{sockets}/o",
            token_file=sockets / "token",
            data=data,
            proxy=proxy,
            grader=grader,
            **{"owner": f"test-{secrets.token_hex(4)}", **settings},
        )
        async with client.channel(proxy, TOKEN) as to_proxy, client.channel(grader, TOKEN) as to_grader:
            services = Services(proxy_pb2_grpc.ProxyServiceStub(to_proxy), grader_pb2_grpc.GraderServiceStub(to_grader))
            scheduler = Scheduler(made, services)
            await scheduler.start()
            service = server.Service(
                orchestrator_pb2_grpc.add_OrchestratorServiceServicer_to_server,
                OrchestratorServicer(scheduler),
                "oneshot.orchestrator.v1.OrchestratorService",
            )
            grpc_server, address = await server.start("orchestrator", made, [service], scheduler.busy)
            try:
                async with client.channel(address, TOKEN) as channel:
                    stub = orchestrator_pb2_grpc.OrchestratorServiceStub(channel)
                    yield Stack(data, made, scheduler, stub, services.proxy)
            finally:
                await scheduler.close()
                await grpc_server.stop(1)


@contextlib.asynccontextmanager
async def services(data: Path) -> AsyncIterator[tuple[str, str, Path]]:
    """Proxy and grader; yields their addresses, and the folder with the gateway's socket."""
    with tempfile.TemporaryDirectory(prefix="osb-") as folder:
        sockets = Path(folder)
        (sockets / "token").write_text(TOKEN)
        common: dict[str, Any] = {"token_file": sockets / "token", "data": data}
        gateway = sockets / "g" / "gateway.sock"
        proxy = ProxySettings(listen=f"unix:{sockets}/p", gateway_socket=str(gateway), **common)
        grader = GraderSettings(listen=f"unix:{sockets}/g.sock", **common)
        service = server.Service(
            grader_pb2_grpc.add_GraderServiceServicer_to_server, GraderServicer(), "oneshot.grader.v1.GraderService"
        )
        async with running(proxy) as app:
            proxy_server, proxy_address = await server.start("proxy", proxy, app.services, app.busy)
            grader_server, grader_address = await server.start("grader", grader, [service])
            try:
                yield proxy_address, grader_address, gateway.parent
            finally:
                await asyncio.gather(proxy_server.stop(1), grader_server.stop(1))


@contextlib.asynccontextmanager
async def stack(data: Path, **settings: Any) -> AsyncIterator[Stack]:
    """The whole stack; at its end nothing of its owner may be left, in Docker or on this machine."""
    data.mkdir(parents=True, exist_ok=True)
    async with services(data) as (proxy, grader, gateway):
        async with orchestrator(data, proxy, grader, **{"relay_source": str(gateway), **settings}) as made:
            yield made
        owner = made.settings.owner
        assert marked(f"ONESHOT_SANDBOX={owner}/") == []
        assert not list((data / "state").glob("sandboxes/*"))
        assert not list((data / "state").glob("scratch/*"))
        if "docker" in made.scheduler._backends:
            assert in_docker(owner) == []


def marked(words: str) -> list[str]:
    """Command lines of living processes whose environment or command line holds these words."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            if words.encode() in (folder / "environ").read_bytes() or words.encode() in command:
                found.append(command.replace(b"\0", b" ").decode())
    return found


def in_docker(owner: str, *, slots: bool = True) -> list[str]:
    """Names of an owner's containers and networks; without `slots` only what a single run makes."""
    mine = f"label=dev.oneshot.owner={owner}"
    containers = _docker("ps", "--all", "--filter", mine, "--format", "{{.Names}}")
    networks = _docker("network", "ls", "--filter", mine, "--format", "{{.Name}}")
    return [name for name in containers + networks if slots or "-slot-" not in name]


def _docker(*arguments: str) -> list[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout.split()


def sleep_length() -> str:
    """How long what must be killed sleeps, in seconds: no other process on the machine has this number in its command line."""
    return f"{50_000 + secrets.randbelow(9_000)}.{secrets.randbelow(10**9):09}"


async def refused_port() -> int:
    """A loopback port at which nobody listens."""
    made = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = made.sockets[0].getsockname()[1]
    made.close()
    await made.wait_closed()
    return int(port)


def settings(folder: Path, **more: Any) -> OrchestratorSettings:
    """Settings for a backend alone."""
    common: dict[str, Any] = {"token_file": folder / "token", "data": folder, "proxy": "unix:/p", "grader": "unix:/g"}
    return OrchestratorSettings(**{"owner": f"test-{secrets.token_hex(4)}", **common, **more})

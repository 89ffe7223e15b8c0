"""A small service behind the real server and the real client: one servicer whose every answer the test chooses."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic_settings import SettingsConfigDict

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.orchestrator.v1 import orchestrator_pb2_grpc
from oneshot_shared import client, server
from oneshot_shared.settings import ServiceSettings

TOKEN = "caller-token"
NAME = "oneshot.orchestrator.v1.OrchestratorService"


class ToySettings(ServiceSettings):
    """Settings of a service of the tests."""

    model_config = SettingsConfigDict(env_prefix="ONESHOT_TOY_")

    size: int = 1
    """A setting of its own."""


@dataclass
class Toy(orchestrator_pb2_grpc.OrchestratorServiceServicer):
    """Answers GetRun by `answers[run_id]`, streams and counts; `events` is what happened."""

    answers: dict[str, Callable[[], Any]] = field(default_factory=dict)
    calls: int = 0
    events: list[str] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def GetRun(self, request: pb.GetRunRequest, context: object) -> pb.GetRunResponse:  # noqa: N802
        self.calls += 1
        answer = self.answers[request.run_id]()
        if asyncio.iscoroutine(answer):
            await answer
        return pb.GetRunResponse(run=pb.Run(run_id=request.run_id))

    async def WatchRun(self, request: pb.WatchRunRequest, context: object) -> AsyncIterator[pb.WatchRunResponse]:  # noqa: N802
        try:
            for seq in range(1, int(request.after_seq) + 1):
                yield pb.WatchRunResponse(event=pb.RunEvent(seq=seq))
            answer = self.answers[request.run_id]()
            if asyncio.iscoroutine(answer):
                await answer
        finally:
            self.events.append(f"left {request.run_id}")
            self.news.set()

    async def PutTask(self, requests: AsyncIterator[pb.PutTaskRequest], context: object) -> pb.PutTaskResponse:  # noqa: N802
        size = 0
        async for request in requests:
            size += len(request.chunk)
        return pb.PutTaskResponse(digest=str(size))


@dataclass
class House:
    """A served toy."""

    toy: Toy
    address: str
    stub: Any
    settings: ToySettings
    server: Any


def service(toy: Toy) -> server.Service:
    return server.Service(orchestrator_pb2_grpc.add_OrchestratorServiceServicer_to_server, toy, NAME)


@contextlib.contextmanager
def toy_settings(**more: Any) -> Any:
    """Settings with a token file and a unix socket in a short folder."""
    folder = Path(tempfile.mkdtemp(prefix="oss-"))
    try:
        (folder / "token").write_text(f"{TOKEN}\n")
        words = {"listen": f"unix:{folder}/s", "token_file": folder / "token", "data": folder} | more
        yield ToySettings(**words)
    finally:
        shutil.rmtree(folder)


@contextlib.asynccontextmanager
async def house(busy: Callable[[], str] = lambda: "", **answers: Callable[[], Any]) -> AsyncIterator[House]:
    """The toy, served; `answers` by run id."""
    toy = Toy(answers)
    with toy_settings() as settings:
        started, address = await server.start("toy", settings, [service(toy)], busy)
        try:
            async with client.channel(address, TOKEN) as channel:
                yield House(toy, address, orchestrator_pb2_grpc.OrchestratorServiceStub(channel), settings, started)
        finally:
            await started.stop(1)


def failing(error: BaseException) -> Callable[[], Any]:
    """An answer that raises."""

    def answer() -> None:
        raise error

    return answer


async def until(true: Callable[[], bool]) -> None:
    """Wait for a condition, at most ten seconds."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 -- there is no event to wait for
            await asyncio.sleep(0.01)

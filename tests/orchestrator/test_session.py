"""A run's session at the proxy, against a proxy that is slow, forgetful or gone."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2, proxy_pb2_grpc
from oneshot_orchestrator import session
from oneshot_shared import client, server, task
from oneshot_shared.errors import BadInput, NotReady
from oneshot_shared.settings import ServiceSettings
from orchestrator import harness


class Proxy(proxy_pb2_grpc.ProxyServiceServicer):
    """A servicer that does as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.opened: list[proxy_pb2.OpenSessionRequest] = []
        self.closed: list[str] = []
        self.opening_takes = 0.0
        self.refuses: Exception | None = None
        self.polls: list[Exception | None] = []
        self.trajectory: bytes | None = b"{}"

    async def OpenSession(self, request: Any, context: Any) -> proxy_pb2.OpenSessionResponse:  # noqa: N802
        self.opened.append(request)
        await asyncio.sleep(self.opening_takes)
        if self.refuses:
            raise self.refuses
        return proxy_pb2.OpenSessionResponse(token="t", gateway_port=1)

    async def GetSession(self, request: Any, context: Any) -> proxy_pb2.GetSessionResponse:  # noqa: N802
        if error := self.polls.pop(0) if self.polls else None:
            raise error
        return proxy_pb2.GetSessionResponse(session=proxy_pb2.Session(calls=7))

    async def CloseSession(self, request: Any, context: Any) -> proxy_pb2.CloseSessionResponse:  # noqa: N802
        self.closed.append(request.session_id)
        return proxy_pb2.CloseSessionResponse(session=proxy_pb2.Session(calls=8))

    async def StreamCalls(self, request: Any, context: Any) -> AsyncIterator[proxy_pb2.StreamCallsResponse]:  # noqa: N802
        for seq, body in ((1, b'{"a"'), (1, b": 1}"), (2, b"text"), (3, b"\xff")):  # the first comes in two pieces
            yield proxy_pb2.StreamCallsResponse(call=proxy_pb2.Call(seq=seq, status=200, request=body))

    async def ExportTrace(self, request: Any, context: Any) -> AsyncIterator[proxy_pb2.ExportTraceResponse]:  # noqa: N802
        if self.trajectory is None:
            raise ValueError("a fault of the proxy")
        yield proxy_pb2.ExportTraceResponse(chunk=self.trajectory)
        yield proxy_pb2.ExportTraceResponse(sha256=hashlib.sha256(self.trajectory).hexdigest())


@asynccontextmanager
async def served(proxy: Proxy) -> AsyncIterator[Any]:
    with tempfile.TemporaryDirectory(prefix="osb-") as folder:
        (Path(folder) / "token").write_text("t")
        made = ServiceSettings(listen=f"unix:{folder}/p", token_file=Path(folder) / "token", data=Path(folder))
        add = proxy_pb2_grpc.add_ProxyServiceServicer_to_server
        grpc_server, address = await server.start(
            "proxy", made, [server.Service(add, proxy, "oneshot.proxy.v1.ProxyService")]
        )
        async with client.channel(address, "t") as channel:
            yield proxy_pb2_grpc.ProxyServiceStub(channel)
        await grpc_server.stop(0)


@pytest.fixture
def hello(tmp_path: Path) -> task.Task:
    return task.load(harness.task(tmp_path))


def run(**request: Any) -> pb.Run:
    return pb.Run(run_id="r", request=pb.SubmitRunRequest(model="m", provider="openai", **request))


async def test_it_is_opened_watched_closed_and_kept(
    tmp_path: Path, hello: task.Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_POLL_SECONDS", 0.01)
    proxy, seen = Proxy(), []
    proxy.polls = [ConnectionError("away"), FileNotFoundError("forgotten"), RuntimeError("broken")]
    async with served(proxy) as stub:
        async with session.opened(stub, run(), hello, tmp_path, seen.append) as opened:
            assert (opened.token, opened.port) == ("t", 1)
            async with asyncio.timeout(5):
                while not seen:  # noqa: ASYNC110 -- three polls fail before
                    await asyncio.sleep(0.01)
        assert (seen[0].calls, seen[-1].calls, opened.record.calls) == (7, 8, 8)
    assert (proxy.closed, proxy.polls) == (["r"], [])
    assert '"calls": 8' in (tmp_path / "session.json").read_text()


async def test_what_could_not_be_copied_is_a_note_of_the_run(tmp_path: Path, hello: task.Task) -> None:
    proxy, made = Proxy(), run()
    proxy.trajectory = None
    async with served(proxy) as stub, session.opened(stub, made, hello, tmp_path, lambda _: None):
        pass
    assert [note.split()[0] for note in made.notes] == ["trace/trajectory.json"]


async def test_it_is_closed_when_the_work_fails(tmp_path: Path, hello: task.Task) -> None:
    proxy = Proxy()
    async with served(proxy) as stub:
        with pytest.raises(ValueError, match="work"):
            async with session.opened(stub, run(), hello, tmp_path, lambda _: None):
                raise ValueError("work")
    assert proxy.closed == ["r"]


async def test_it_is_closed_when_the_run_is_cancelled_while_it_is_opened(tmp_path: Path, hello: task.Task) -> None:
    proxy = Proxy()
    proxy.opening_takes = 0.2

    async def work(stub: Any) -> None:
        async with session.opened(stub, run(), hello, tmp_path, lambda _: None):
            raise AssertionError("never opened")

    async with served(proxy) as stub:
        working = asyncio.create_task(work(stub))
        while not proxy.opened:  # noqa: ASYNC110 -- set in a servicer
            await asyncio.sleep(0.01)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
    assert proxy.closed == ["r"]


async def test_a_refused_one_is_not_closed(tmp_path: Path, hello: task.Task) -> None:
    proxy = Proxy()
    proxy.refuses = NotReady("no key")
    async with served(proxy) as stub:
        with pytest.raises(NotReady, match="no key"):
            async with session.opened(stub, run(), hello, tmp_path, lambda _: None):
                raise AssertionError("never opened")
    assert proxy.closed == []


async def test_without_a_model_there_is_none(tmp_path: Path, hello: task.Task) -> None:
    proxy = Proxy()
    async with (
        served(proxy) as stub,
        session.opened(stub, pb.Run(run_id="r"), hello, tmp_path, lambda _: None) as opened,
    ):
        assert (opened.token, opened.port) == ("", 0)
    assert proxy.opened == []


def test_what_is_asked_for(hello: task.Task) -> None:
    asked = session.request(run(replay="hello-world"), hello)
    assert (asked.cassette.name, asked.provider) == ("hello-world", "")
    assert asked.cassette.content == hello.cassette("hello-world").read_bytes()
    assert session.request(run(), hello, validate_only=True).provider == "openai"
    with pytest.raises(BadInput, match=r"no cassette 'helo-world' \(did you mean 'hello-world'"):
        session.request(run(replay="helo-world"), hello)

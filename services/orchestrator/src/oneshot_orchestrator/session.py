"""A run's session at the proxy: opened before the agent starts, closed whatever happens, its calls copied into the trace."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from google.protobuf.json_format import MessageToDict

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2, proxy_pb2_grpc
from oneshot_shared.task import Task

_POLL_SECONDS = 1.0


class Session:
    """An open session: the agent's token, and the record as last seen."""

    def __init__(self, token: str, port: int) -> None:
        self.token = token
        self.port = port
        self.record = proxy_pb2.Session()


def request(run: pb.Run, task: Task, *, validate_only: bool = False) -> proxy_pb2.OpenSessionRequest:
    """What a run asks of the proxy. :raises BadInput: the task has no such cassette."""
    wanted = proxy_pb2.OpenSessionRequest(
        session_id=run.run_id,
        model=run.request.model,
        limits=run.request.limits,
        validate_only=validate_only,
    )
    if run.request.replay:
        wanted.cassette.name = run.request.replay
        wanted.cassette.content = task.cassette(run.request.replay).read_bytes()
    else:
        wanted.provider = run.request.provider
    return wanted


@asynccontextmanager
async def opened(
    proxy: "proxy_pb2_grpc.ProxyServiceAsyncStub",
    run: pb.Run,
    task: Task,
    trace: Path,
    seen: Callable[[proxy_pb2.Session], None],
) -> AsyncIterator[Session]:
    """Open a run's session; `seen` gets its record about once a second and once after its end.

    A run without a model gets a session without a token, and no call is made.
    """
    if not run.request.model:
        yield Session("", 0)
        return
    answer = await proxy.OpenSession(request(run, task))
    session = Session(answer.token, answer.gateway_port)

    async def poll() -> None:
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            session.record = (await proxy.GetSession(proxy_pb2.GetSessionRequest(session_id=run.run_id))).session
            seen(session.record)

    polling = asyncio.create_task(poll())
    try:
        yield session
    finally:
        polling.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await polling
        await asyncio.shield(_close(proxy, run.run_id, session, trace))
        seen(session.record)


async def _close(proxy: "proxy_pb2_grpc.ProxyServiceAsyncStub", run_id: str, session: Session, trace: Path) -> None:
    session.record = (await proxy.CloseSession(proxy_pb2.CloseSessionRequest(session_id=run_id))).session
    with (trace / "calls.jsonl").open("w") as file:
        async for message in proxy.StreamCalls(proxy_pb2.StreamCallsRequest(session_id=run_id)):
            file.write(json.dumps(_readable(message.call), ensure_ascii=False) + "\n")
    (trace / "session.json").write_text(
        json.dumps(MessageToDict(session.record, preserving_proto_field_name=True), indent=2)
    )


def _readable(call: proxy_pb2.Call) -> dict[str, object]:
    """A call as JSON: bodies as JSON or text where they are, else as base64."""
    fields: dict[str, object] = MessageToDict(call, preserving_proto_field_name=True)
    for name, body in (("request", call.request), ("response", call.response)):
        fields[name] = _body(body)
    return fields


def _body(body: bytes) -> object:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}
    try:
        return json.loads(text)
    except ValueError:
        return text

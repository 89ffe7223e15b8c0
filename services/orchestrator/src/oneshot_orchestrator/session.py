"""A run's session at the proxy: opened before the agent starts, closed whatever happens, its calls copied into the trace."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from google.protobuf.json_format import MessageToDict

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2, proxy_pb2_grpc
from oneshot_shared import logs
from oneshot_shared.errors import sentence
from oneshot_shared.task import Task

_POLL_SECONDS = 1.0


class Session:
    """An open session: the agent's token, and the record as last seen. `agent_usage` is what the agent says that it used."""

    def __init__(self) -> None:
        self.token = ""
        self.port = 0
        self.record = proxy_pb2.Session()
        self.agent_usage: proxy_pb2.Usage | None = None


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
        wanted.recorded_timing = run.request.recorded_timing
    elif run.request.replay_run:
        wanted.recorded_session = run.request.replay_run
        wanted.recorded_timing = run.request.recorded_timing
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
        yield Session()
        return
    opening = asyncio.ensure_future(proxy.OpenSession(request(run, task)))
    session = Session()
    try:
        answer = await asyncio.shield(opening)
        session.token, session.port = answer.token, answer.gateway_port
        async with _polled(proxy, run.run_id, session, seen):
            yield session
    finally:
        await asyncio.shield(_close(proxy, run.run_id, opening, session, trace))
        seen(session.record)


@asynccontextmanager
async def _polled(
    proxy: "proxy_pb2_grpc.ProxyServiceAsyncStub",
    run_id: str,
    session: Session,
    seen: Callable[[proxy_pb2.Session], None],
) -> AsyncIterator[None]:
    async def poll() -> None:
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            try:
                session.record = (await proxy.GetSession(proxy_pb2.GetSessionRequest(session_id=run_id))).session
                seen(session.record)
            except Exception as error:  # noqa: BLE001 -- it only shows progress; what is wrong shows at the end
                logs.get().warning("no progress from the proxy", run_id=run_id, error=sentence(error))

    polling = asyncio.create_task(poll())
    try:
        yield
    finally:
        polling.cancel()
        await asyncio.wait([polling])


async def _close(
    proxy: "proxy_pb2_grpc.ProxyServiceAsyncStub",
    run_id: str,
    opening: "asyncio.Future[proxy_pb2.OpenSessionResponse]",
    session: Session,
    trace: Path,
) -> None:
    """Revoke the token and keep what was recorded. A session that was refused needs no closing."""
    await asyncio.wait([opening])
    if opening.exception():
        return
    closing = proxy_pb2.CloseSessionRequest(session_id=run_id, agent_usage=session.agent_usage)
    session.record = (await proxy.CloseSession(closing)).session
    with (trace / "calls.jsonl").open("w", encoding="utf-8") as file:
        async for call in _calls(proxy, run_id):
            file.write(json.dumps(_readable(call), ensure_ascii=False) + "\n")
    (trace / "session.json").write_text(
        json.dumps(MessageToDict(session.record, preserving_proto_field_name=True), indent=2)
    )


async def _calls(proxy: "proxy_pb2_grpc.ProxyServiceAsyncStub", run_id: str) -> AsyncIterator[proxy_pb2.Call]:
    """A session's calls, each whole again: long bodies come in pieces."""
    call: proxy_pb2.Call | None = None
    async for message in proxy.StreamCalls(proxy_pb2.StreamCallsRequest(session_id=run_id)):
        if call is not None and message.call.seq == call.seq:
            call.request += message.call.request
            call.response += message.call.response
            continue
        if call is not None:
            yield call
        call = message.call
    if call is not None:
        yield call


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

"""A run's session at the proxy: opened before the agent starts, closed whatever happens, what was recorded kept in the trace."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2, proxy_pb2_grpc
from oneshot_orchestrator import recording
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
        await asyncio.shield(_close(proxy, run, opening, session, trace))
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
    run: pb.Run,
    opening: "asyncio.Future[proxy_pb2.OpenSessionResponse]",
    session: Session,
    trace: Path,
) -> None:
    """Revoke the token and keep what was recorded; what cannot be kept is a note of the run. A session that was refused needs no closing."""
    await asyncio.wait([opening])
    if opening.exception():
        return
    closing = proxy_pb2.CloseSessionRequest(session_id=run.run_id, agent_usage=session.agent_usage)
    session.record = (await proxy.CloseSession(closing)).session
    run.notes.extend(await recording.keep(proxy, run.run_id, session.record, trace))

"""Checks a submission whole, before anything is spent, and fills in its defaults."""

import asyncio
import re
from collections.abc import Awaitable
from datetime import UTC, datetime

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2
from oneshot_orchestrator import agents, session
from oneshot_orchestrator.contract import Backend
from oneshot_orchestrator.pipeline import Services
from oneshot_orchestrator.settings import OrchestratorSettings
from oneshot_shared import needs, providers
from oneshot_shared.errors import BadInput, NotReady
from oneshot_shared.task import Task

_PROXY_SECONDS = 10.0
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


def now() -> str:
    """RFC 3339, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def check_id(run_id: str) -> None:
    """:raises BadInput: not usable as a name of a folder and a container."""
    if not _RUN_ID.fullmatch(run_id):
        raise BadInput(f"the run id {run_id!r} is not allowed; use at most 80 letters, digits, '.', '_' and '-'")


async def accept(
    asked: pb.SubmitRunRequest,
    task: Task,
    backend: Backend,
    services: Services,
    settings: OrchestratorSettings,
    recorded: pb.Run | None = None,
) -> pb.Run:
    """The run of a request, with every default filled in; `recorded` is the run that it replays, where it is known here.

    :raises BadInput: the request. NotReady: the machine, a key or an engine.
    """
    agent = agents.find(asked.agent.name)
    _check_replay(asked, task, recorded)
    request = await _with_model(asked, services) if asked.replay_run else asked
    _check_agent(request, agent.needs_model)
    needs.free_bytes(settings.data)
    needs.git()
    backend.check(task)
    if agent.needs_files and backend.name == "local":  # agents are this machine's own there
        await asyncio.to_thread(needs.codex)
    run = pb.Run(run_id=request.run_id, task=task.slug, request=request, state=pb.RUN_STATE_QUEUED, submitted_at=now())
    run.request.backend = backend.name
    asked_for_cost = request.limits.cost_usd > 0
    if recorded is not None:
        _take_over(recorded, run)
    _fill_limits(run.request.limits, task, settings)
    if request.model:
        run.replayed = request.replay or request.replay_run
        run.request.provider = "" if run.replayed else request.provider or "openai"
        answer = await _asked(services, session.request(run, task, validate_only=True))
        if not answer.price_known and not run.replayed:
            if asked_for_cost:
                raise BadInput(
                    f"the price of model {request.model!r} is not known, so a cost limit of {request.limits.cost_usd:g} USD "
                    "cannot be kept; limit the run with --token-limit instead"
                )
            run.request.limits.cost_usd = 0
            run.notes.append(f"the price of {request.model} is not known: no cost, and no cost limit")
    return run


async def _asked(services: Services, wanted: proxy_pb2.OpenSessionRequest) -> proxy_pb2.OpenSessionResponse:
    """Let the proxy check a session."""
    return await _in_time(services.proxy.OpenSession(wanted))


async def _in_time[T](call: Awaitable[T]) -> T:
    """Ask the proxy. Somebody waits: a proxy that is away is said, and not waited for."""
    try:
        async with asyncio.timeout(_PROXY_SECONDS):
            return await call
    except (ConnectionError, TimeoutError):
        raise NotReady(
            f"the proxy of this stack has not answered for {_PROXY_SECONDS:.0f} s; see `oneshot status`, or `docker compose "
            "ps` where the stack is composed, and run again"
        ) from None


def _check_agent(request: pb.SubmitRunRequest, needs_model: bool) -> None:
    name = request.agent.name
    if needs_model and not request.model:
        raise BadInput(f"agent {name!r} needs a model; add --model, for example --model gpt-5.5")
    provider = providers.find(request.provider) if request.provider else None
    if name == "codex" and provider is not None and provider.wire_api != "responses":
        raise BadInput(
            f"agent 'codex' speaks the Responses API, and provider {provider.name!r} does not; use another provider, for "
            "example --provider openrouter"
        )
    if name == "command" and not request.agent.command.strip():
        raise BadInput("agent 'command' needs a command; add --command, for example --command 'make fix'")
    if name != "command" and request.agent.command:
        raise BadInput(f"agent {name!r} takes no command; use --agent command")
    if (request.replay or request.replay_run) and not (request.model and (needs_model or name == "command")):
        raise BadInput(
            f"a replay needs an agent with a model, and {name!r} runs without; use --agent codex --model gpt-5.5"
        )


def _check_replay(request: pb.SubmitRunRequest, task: Task, recorded: pb.Run | None) -> None:
    if request.replay and request.replay_run:
        raise BadInput(
            f"the run would be replayed from cassette {request.replay!r} and from run {request.replay_run!r}; name one of them"
        )
    if request.recorded_timing and not (request.replay or request.replay_run):
        raise BadInput("only a replay has a recorded pace; name a cassette or a run to replay, or leave the timing out")
    if recorded is not None and recorded.task != task.slug:
        raise BadInput(
            f"run {recorded.run_id!r} worked on task {recorded.task}, and its answers are none to {task.slug}; replay it on "
            "its own task, or name a run of this one"
        )


async def _with_model(asked: pb.SubmitRunRequest, services: Services) -> pb.SubmitRunRequest:
    """A replay of a run asks for that run's model, where it names none itself."""
    request = pb.SubmitRunRequest()
    request.CopyFrom(asked)
    if not request.model:
        try:
            wanted = proxy_pb2.GetSessionRequest(session_id=request.replay_run)
            request.model = (await _in_time(services.proxy.GetSession(wanted))).session.model
        except FileNotFoundError:
            raise BadInput(
                f"this stack has no record of the model calls of run {request.replay_run!r}; `oneshot trace list` shows what it "
                "has, and a run of another stack is replayed there: add --endpoint"
            ) from None
    return request


def _take_over(recorded: pb.Run, run: pb.Run) -> None:
    """What the recorded run was bounded by bounds its replay, so that both end alike; what was asked for goes first."""
    limits = proxy_pb2.Limits()
    limits.CopyFrom(recorded.request.limits)
    limits.MergeFrom(run.request.limits)
    run.request.limits.CopyFrom(limits)
    if recorded.request.task_digest != run.request.task_digest:
        run.notes.append(f"the replayed run {recorded.run_id} worked on another version of this task")


def _fill_limits(limits: proxy_pb2.Limits, task: Task, settings: OrchestratorSettings) -> None:
    limits.wall_seconds = limits.wall_seconds or int(task.config.agent.timeout_sec)
    limits.tokens = limits.tokens or settings.tokens
    limits.cost_usd = limits.cost_usd or settings.cost_usd

"""Checks a submission whole, before anything is spent, and fills in its defaults."""

import asyncio
import re
from datetime import UTC, datetime

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2
from oneshot_orchestrator import agents, session
from oneshot_orchestrator.contract import Backend
from oneshot_orchestrator.pipeline import Services
from oneshot_orchestrator.settings import OrchestratorSettings
from oneshot_shared import needs
from oneshot_shared.errors import BadInput, NotReady
from oneshot_shared.providers import PROVIDERS
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
    request: pb.SubmitRunRequest, task: Task, backend: Backend, services: Services, settings: OrchestratorSettings
) -> pb.Run:
    """The run of a request, with every default filled in.

    :raises BadInput: the request. NotReady: the machine, a key or an engine.
    """
    agent = agents.find(request.agent.name)
    _check_agent(request, agent.needs_model)
    needs.free_bytes(settings.data)
    needs.git()
    backend.check(task)
    if agent.needs_files and backend.name == "local":  # agents are this machine's own there
        await asyncio.to_thread(needs.codex)
    run = pb.Run(run_id=request.run_id, task=task.slug, request=request, state=pb.RUN_STATE_QUEUED, submitted_at=now())
    run.request.backend = backend.name
    asked_for_cost = request.limits.cost_usd > 0
    _fill_limits(run.request.limits, task, settings)
    if request.model:
        run.request.provider = "" if request.replay else request.provider or "openai"
        run.replayed = request.replay
        answer = await _asked(services, session.request(run, task, validate_only=True))
        if not answer.price_known and not request.replay:
            if asked_for_cost:
                raise BadInput(
                    f"the price of model {request.model!r} is not known, so a cost limit of {request.limits.cost_usd:g} USD "
                    "cannot be kept; limit the run with --token-limit instead"
                )
            run.request.limits.cost_usd = 0
            run.notes.append(f"the price of {request.model} is not known: no cost, and no cost limit")
    return run


async def _asked(services: Services, wanted: proxy_pb2.OpenSessionRequest) -> proxy_pb2.OpenSessionResponse:
    """Let the proxy check a session. Somebody waits: a proxy that is away is said, and not waited for."""
    try:
        async with asyncio.timeout(_PROXY_SECONDS):
            answer: proxy_pb2.OpenSessionResponse = await services.proxy.OpenSession(wanted)
            return answer
    except (ConnectionError, TimeoutError):
        raise NotReady(
            f"the proxy of this stack has not answered for {_PROXY_SECONDS:.0f} s; see `oneshot status`, or `docker compose "
            "ps` where the stack is composed, and run again"
        ) from None


def _check_agent(request: pb.SubmitRunRequest, needs_model: bool) -> None:
    name = request.agent.name
    if needs_model and not request.model:
        raise BadInput(f"agent {name!r} needs a model; add --model, for example --model gpt-5.5")
    provider = PROVIDERS.get(request.provider)
    if name == "codex" and provider is not None and provider.wire_api != "responses":
        raise BadInput(
            f"agent 'codex' speaks the Responses API, and provider {provider.name!r} does not; use another provider, for "
            "example --provider openrouter"
        )
    if name == "command" and not request.agent.command.strip():
        raise BadInput("agent 'command' needs a command; add --command, for example --command 'make fix'")
    if name != "command" and request.agent.command:
        raise BadInput(f"agent {name!r} takes no command; use --agent command")
    if request.replay and not request.model:
        raise BadInput(
            f"a replay needs an agent with a model, and {name!r} runs without; use --agent codex --model gpt-5.5"
        )


def _fill_limits(limits: proxy_pb2.Limits, task: Task, settings: OrchestratorSettings) -> None:
    limits.wall_seconds = limits.wall_seconds or int(task.config.agent.timeout_sec)
    limits.tokens = limits.tokens or settings.tokens
    limits.cost_usd = limits.cost_usd or settings.cost_usd

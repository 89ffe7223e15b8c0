"""From a wish on the command line to an ended run and its exit code."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from oneshot.grader.v1 import grader_pb2
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2
from oneshot_cli import artifacts, clients, ending, json_out, places, replay, show
from oneshot_shared import archive, providers, task
from oneshot_shared.errors import BadInput
from oneshot_shared.task import Task
from oneshot_shared.transfer import outgoing

if TYPE_CHECKING:
    from oneshot.orchestrator.v1.orchestrator_pb2_grpc import OrchestratorServiceAsyncStub

_RECONNECTS = 5
_MAX_LIMIT = 1_000_000_000


@dataclass(frozen=True)
class Wish:
    """The options of `oneshot run`, as given."""

    task: str
    agent: str = "codex"
    model: str = ""
    provider: str = ""
    command: str = ""
    backend: str = ""
    timeout: float | None = None
    token_limit: int | None = None
    cost_limit: float | None = None
    request_limit: int | None = None
    attempts: int = 1
    replay: str | None = None
    replay_timing: str = ""
    run_id: str = ""
    detach: bool = False
    allow_unsandboxed: bool = False
    endpoint: str = ""
    as_json: bool = False


async def demo(backend: str, *, as_json: bool) -> int:
    """Run the example that ships, whatever else has its name."""
    example = places.prepared("hello-world")
    return await run(Wish(task=str(example), replay=replay.ONLY_CASSETTE, backend=backend, as_json=as_json))


async def run(wish: Wish) -> int:
    """Submit, watch, show. Returns the exit code."""
    _check(wish)
    found = await asyncio.to_thread(task.load, places.find_task(wish.task))
    source = await replay.find(wish.replay, wish.model, found, wish.endpoint)
    with show.Progress(quiet=wish.as_json or wish.detach) as progress:
        async with clients.orchestrator(wish.endpoint) as stub:
            digest = (await stub.PutTask(_upload(found))).digest
            requests = [_request(wish, found, digest, source, i) for i in range(wish.attempts)]
            try:
                accepted = await _submit(stub, requests)
                _announce(accepted, wish, quiet=wish.as_json or wish.detach)
                if wish.detach:
                    ids = [request.run_id for request in requests]
                    if wish.as_json:
                        json_out.show({"run_ids": ids})
                    else:
                        print("\n".join(ids))
                    return ending.PASS
                ended = await asyncio.gather(*(_watched(stub, r.run_id, progress) for r in requests))
                code = _code(ended)
            except asyncio.CancelledError:
                ended, code = await _cancel(stub, requests), ending.CANCELLED
            folders = [await artifacts.local_copy(stub, each) for each in ended]
    _print(wish, list(zip(ended, folders, strict=True)))
    return code


def _announce(accepted: pb.SubmitRunResponse, wish: Wish, *, quiet: bool) -> None:
    if not quiet:
        request, task = accepted.run.request, accepted.run.task
        who = f"{request.agent.name} {request.model}".strip()
        where = f"backend {request.backend} ({accepted.backend_reason})"
        answers = (
            f"; model answers are replayed from {replay.named(request)}"
            if accepted.run.replayed
            else _whose_key(request.provider, wish.endpoint)
        )
        said = f"Running {task}: {who}, {where}{answers}."
        if accepted.run.ended_at:
            said = f"Run {request.run_id!r} was made at {accepted.run.submitted_at}: this is its result, and nothing is run."
        print(
            "\n".join([said, *(f"Note: {note}." for note in accepted.run.notes if not accepted.run.ended_at)]),
            file=sys.stderr,
        )


def _whose_key(name: str, endpoint: str) -> str:
    """A warning where a model is paid for by a key that is not this shell's any more."""
    provider = providers.PROVIDERS.get(name)
    elsewhere = endpoint or os.environ.get("ONESHOT_ENDPOINT")
    if elsewhere or not provider or not provider.key_required or os.environ.get(provider.key_variable):
        return ""
    return f"; with the key that another shell gave to the stack ({provider.key_variable} is not set here)"


def _check(wish: Wish) -> None:
    for name, value in (
        ("--timeout", wish.timeout),
        ("--token-limit", wish.token_limit),
        ("--cost-limit", wish.cost_limit),
        ("--request-limit", wish.request_limit),
    ):
        if value is not None and not 0 < value < _MAX_LIMIT:
            raise BadInput(
                f"{name} is {value:g}; give a number above 0 and below {_MAX_LIMIT:,}, or leave it out for the default"
            )
    replay.check_timing(wish.replay_timing, replayed=wish.replay is not None)
    if wish.timeout and wish.timeout != int(wish.timeout):
        raise BadInput(f"--timeout is {wish.timeout:g}; give whole seconds, for example --timeout 900")


async def _upload(found: Task) -> AsyncIterator[pb.PutTaskRequest]:
    yield pb.PutTaskRequest(slug=found.slug)
    async for chunk, sha256 in outgoing(archive.pack(found.path)):
        yield pb.PutTaskRequest(chunk=chunk, sha256=sha256)


def _request(wish: Wish, found: Task, digest: str, source: replay.Source, index: int) -> pb.SubmitRunRequest:
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    run_id = wish.run_id or f"{stamp}-{found.slug[:40]}-{secrets.token_hex(3)}"
    if wish.attempts > 1 and wish.run_id:
        run_id = f"{wish.run_id}-{index + 1}"
    needs_model = wish.agent == "codex" or (wish.agent == "command" and source.model)
    return pb.SubmitRunRequest(
        run_id=run_id,
        task_digest=digest,
        agent=pb.Agent(name=wish.agent, command=wish.command),
        model=source.model if needs_model else "",
        provider=wish.provider,
        backend=wish.backend,
        limits=proxy_pb2.Limits(
            wall_seconds=int(wish.timeout or 0),
            tokens=wish.token_limit or 0,
            cost_usd=wish.cost_limit or 0,
            requests=wish.request_limit or 0,
        ),
        replay=source.cassette,
        replay_run=source.run,
        recorded_timing=wish.replay_timing == replay.RECORDED,
        attached=not wish.detach,
        allow_unsandboxed=wish.allow_unsandboxed,
    )


async def _submit(stub: "OrchestratorServiceAsyncStub", requests: list[pb.SubmitRunRequest]) -> pb.SubmitRunResponse:
    """Submit all, or none: the id of a later run may be taken. Returns the last answer."""
    for index, request in enumerate(requests):
        try:
            accepted = await stub.SubmitRun(request)
        except Exception:
            for earlier in requests[:index]:
                await stub.CancelRun(pb.CancelRunRequest(run_id=earlier.run_id))
            raise
    return accepted


async def _watched(stub: "OrchestratorServiceAsyncStub", run_id: str, progress: show.Progress) -> pb.Run:
    """Follow a run to its end, through lost connections."""
    seen = 0
    for attempt in range(_RECONNECTS):
        try:
            async for update in stub.WatchRun(pb.WatchRunRequest(run_id=run_id, after_seq=seen)):
                if update.HasField("run"):
                    progress.done(run_id)
                    return update.run
                seen = update.event.seq
                progress.event(run_id, update.event)
        except ConnectionError:
            if attempt == _RECONNECTS - 1:
                raise
            await asyncio.sleep(0.5 * 2**attempt)
    raise ConnectionError(f"the connection to run {run_id} was lost {_RECONNECTS} times")


async def follow(stub: "OrchestratorServiceAsyncStub", run_id: str) -> int:
    """Watch a run that was submitted before. Returns its exit code."""
    with show.Progress() as progress:
        try:
            ended = await _watched(stub, run_id, progress)
        except asyncio.CancelledError:
            print(
                f"\nno longer watching; run {run_id} goes on, and `oneshot runs cancel {run_id}` ends it",
                file=sys.stderr,
            )
            return ending.CANCELLED
        folder = await artifacts.local_copy(stub, ended)
    print(show.results(ended, places.short(folder)))
    return _code([ended])


async def _cancel(stub: "OrchestratorServiceAsyncStub", requests: list[pb.SubmitRunRequest]) -> list[pb.Run]:
    """Cancel what is not finished; returns what was, whose results stand."""
    print("\ncancelling; a second Ctrl-C stops waiting for it", file=sys.stderr)
    finished: list[pb.Run] = []

    async def cancel(run_id: str) -> None:
        try:
            run = (await stub.CancelRun(pb.CancelRunRequest(run_id=run_id))).run
        except FileNotFoundError:  # not submitted yet
            return
        except TimeoutError:
            print(f"[results] Run {run_id} is still being cancelled; see `oneshot runs show {run_id}`", file=sys.stderr)
            return
        if run.state == pb.RUN_STATE_FINISHED:
            finished.append(run)
        else:
            print(f"[results] Run {run_id} was cancelled", file=sys.stderr)

    await asyncio.gather(*(cancel(request.run_id) for request in requests))
    return finished


def _print(wish: Wish, ended: list[tuple[pb.Run, Path]]) -> None:
    if not ended:
        return
    if wish.as_json:
        rows = [json_out.fields(run) | {"folder": str(folder)} for run, folder in ended]
        json_out.show(rows[0] if wish.attempts == 1 else rows)
        return
    for run, folder in ended:
        patch = folder / "artifacts" / "diff.patch"
        if patch.exists() and patch.stat().st_size:
            print(artifacts.shortened(patch))
        print(show.results(run, places.short(folder)))
    if len(ended) > 1:
        counts = [sum(run.grade.verdict == v for run, _ in ended) for v in (1, 2, 3)]
        print(f"[results] {len(ended)} runs: {counts[0]} PASS, {counts[1]} FAIL, {counts[2]} INVALID")


def _code(runs: list[pb.Run]) -> int:
    """0 when every run passed (or has a score and no verdict); the gravest otherwise."""
    if any(run.state == pb.RUN_STATE_CANCELLED for run in runs):
        return ending.CANCELLED
    verdicts = {run.grade.verdict for run in runs}
    if grader_pb2.VERDICT_INVALID in verdicts:
        return ending.INVALID
    return ending.FAIL if grader_pb2.VERDICT_FAIL in verdicts else ending.PASS

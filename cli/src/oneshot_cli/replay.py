"""What `--replay` names: a cassette of the task, or a run that a stack has recorded."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2
from oneshot_cli import clients, places
from oneshot_shared.errors import BadInput, nearest
from oneshot_shared.task import Task

ONLY_CASSETTE = "default"
RECORDED = "recorded"
_TIMINGS = ["instant", RECORDED]


@dataclass(frozen=True)
class Source:
    """Where answers come from: a cassette, an earlier run, or the model itself where both are empty."""

    model: str
    cassette: str = ""
    run: str = ""


async def find(name: str | None, model: str, task: Task, endpoint: str) -> Source:
    """What is meant: a cassette of the task goes before a run of its name. :raises BadInput: there is neither."""
    if name is None:
        return Source(model or os.environ.get("OPENAI_MODEL", ""))
    if not name:
        raise BadInput(
            "--replay is empty; name a cassette or a run, or give --replay alone for the task's only cassette"
        )
    names = sorted(file.stem for file in (task.path / "oneshot" / "cassettes").glob("*.jsonl"))
    if name == ONLY_CASSETTE and name not in names:
        if len(names) != 1:
            raise BadInput(
                f"task {task.slug!r} has {len(names)} cassettes ({', '.join(names) or 'none'}); name one: --replay NAME"
            )
        name = names[0]
    if name in names:
        return Source(model or _cassette_model(task.cassette(name)), cassette=name)
    async with clients.proxy(endpoint) as stub:
        try:
            session = (await stub.GetSession(proxy_pb2.GetSessionRequest(session_id=name))).session
        except FileNotFoundError:
            raise BadInput(
                f"task {task.slug!r} has no cassette {name!r} (it has: {', '.join(names) or 'none'}), and no "
                f"run {name!r} was recorded by this stack{_copied(name)}; `oneshot trace list` shows those that were"
            ) from None
    if not (model or session.model):
        raise BadInput(
            f"{name!r} is a live session, which may have asked several models; name with --model the one whose answers are to be "
            "replayed"
        )
    return Source(model or session.model, run=name)


def _copied(run_id: str) -> str:
    """What to do with a run whose folder is here and whose record is not."""
    if not (places.data_folder() / "runs" / run_id).is_dir():
        return ""
    return ": its folder alone does not suffice, so replay it where it ran, with --endpoint"


def _cassette_model(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return str(json.loads(opened.readline())["model"])
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"the first line of {places.short(file)} names no model; record the cassette again") from None


def check_timing(timing: str, *, replayed: bool) -> None:
    """:raises BadInput: an unknown timing, or one where nothing is replayed."""
    if timing and timing not in _TIMINGS:
        raise BadInput(f"--replay-timing is {timing!r}{nearest(timing, _TIMINGS)}; allowed: {', '.join(_TIMINGS)}")
    if timing and not replayed:
        raise BadInput(f"--replay-timing {timing} goes with --replay only; add --replay, or leave it out")


def named(request: pb.SubmitRunRequest) -> str:
    """The source of an accepted replay, in words."""
    return f"run {request.replay_run!r}" if request.replay_run else f"cassette {request.replay!r}"

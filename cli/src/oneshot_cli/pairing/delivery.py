"""Brings works to capture: in a process of its own, so that no tool waits for a stack, and whoever is killed delays it only.

A work is delivered by one process at a time; another that comes meanwhile leaves at once, since the first looks again at the end.
Every step may be repeated: capture takes the same message twice for one.
"""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_cli import clients, locks, places
from oneshot_cli.pairing import messages, rollout
from oneshot_cli.pairing.works import ABORTED, DELIVERED, ENDED, REFUSED, STARTED, Work, Works
from oneshot_cli.repository import state, where
from oneshot_cli.repository.snapshot import Snapshots
from oneshot_shared.errors import BadInput, NotReady, sentence

if TYPE_CHECKING:
    from oneshot.capture.v1.capture_pb2_grpc import CaptureServiceAsyncStub

_PLACES = ("ONESHOT_ENDPOINT", "ONESHOT_TOKEN_FILE", "ONESHOT_PORT_CAPTURE", places.RUNTIME_VARIABLE, "CODEX_HOME")
_PAUSES_SECONDS = (0.0, 1.0, 4.0, 15.0)
_LOOK_SECONDS = 0.2
_HIDDEN = "ONESHOT_HIDDEN"  # secrets of the agent's environment that must not stand in its record; it goes no further
_CHUNK_BYTES = 1024 * 1024


def the_places(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that lead a later delivery to the same stack, and to the agent's own record."""
    found = {name: environment[name] for name in _PLACES if environment.get(name)}
    return found | {"ONESHOT_DATA": str(places.data_folder(environment))}


def spawn(works: Works, owing: Sequence[Work], environment: Mapping[str, str]) -> None:
    """Have works delivered, one after the other, by processes that outlive this one: one for each stack."""
    for _, same in groupby(sorted(owing, key=_stack_of), key=_stack_of):
        _started(works, list(same), environment)


def resume(environment: Mapping[str, str] = os.environ) -> list[Work]:
    """Have everything delivered that is owed, and tidy up; returns what is owed. Quick: the work is others'."""
    works = Works.here(environment)
    works.sweep()
    owing = [work for work in works.all() if work.owes]
    spawn(works, owing, environment)
    return owing


async def send(works: Works, work: Work, environment: Mapping[str, str] = os.environ) -> Work:
    """Deliver a work and wait for it, by whomever it is done; returns what became of it. Who is cancelled leaves it at work."""
    process = _started(works, [work], environment)
    while process.returncode is None or locks.is_held(_lock(works, work.task_id)):
        await asyncio.sleep(_LOOK_SECONDS)
    return works.get(work.task_id)


def _stack_of(work: Work) -> list[tuple[str, str]]:
    return sorted(work.where.items())


def _started(works: Works, same: Sequence[Work], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A process for works of the same stack."""
    given = {name: value for name, value in environment.items() if name not in _PLACES} | dict(same[0].where)
    ids = [work.task_id for work in same]
    with (works.place(ids[0]) / "delivery.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "oneshot_cli.pairing.deliver", *ids],
            env=given | {state.VARIABLE: str(works.state), _HIDDEN: json.dumps(rollout.of_ancestors())},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    threading.Thread(target=process.wait, daemon=True).start()  # so that it is no zombie where it ends first
    return process


def _lock(works: Works, task_id: str) -> Path:
    return works.place(task_id) / "delivery.lock"


async def deliver(works: Works, task_id: str) -> None:
    """Deliver until nothing is owed, or trouble stays. What goes wrong is kept in the work's record."""
    while True:
        with locks.opened(_lock(works, task_id)) as lock:
            if not locks.take(lock.fileno()):
                return  # who has it looks again
            left = await _tries(works, task_id)
        if works.get(task_id) == left:
            return


async def _tries(works: Works, task_id: str) -> Work:
    work = works.get(task_id)
    for pause in _PAUSES_SECONDS:
        await _unless_changed(works, work, pause)
        work = works.get(task_id)
        if work.owes:
            work = await _try(works, work)
        if not work.owes:
            break
    if work.settled and work.state != REFUSED:
        works.forget_trees(task_id)
    return work


async def _unless_changed(works: Works, work: Work, seconds: float) -> None:
    """Wait; no longer once there is news of the work."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while works.get(work.task_id) == work:
                await asyncio.sleep(_LOOK_SECONDS)


async def _try(works: Works, work: Work) -> Work:
    try:
        if work.state == ENDED:
            work = await _make_ready(works, work)
        kept, told = await asyncio.gather(_keep(works, work), _tell(works, work), return_exceptions=True)
        for error in filter(None, (told, kept)):
            raise error
    except _Refused as error:
        return works.change(work.task_id, (work.state,), state=REFUSED, settled=True, trouble=str(error))
    except subprocess.CalledProcessError as error:
        trouble = f"git failed ({error.stderr.strip()[-300:]})"
    except (OSError, RuntimeError, BadInput) as error:
        trouble = sentence(error)
    else:
        return works.change(work.task_id, trouble="")
    return works.change(work.task_id, trouble=trouble)


class _Refused(Exception):
    """Capture will never take it; says why, as a sentence."""


async def _keep(works: Works, work: Work) -> None:
    if work.state == STARTED and not work.kept:
        await (await _snapshots(works, work)).keep()
        works.change(work.task_id, kept=True)


async def _snapshots(works: Works, work: Work) -> Snapshots:
    return Snapshots(works.place(work.task_id), await where.find(Path(work.top)), works.state)


async def _make_ready(works: Works, work: Work) -> Work:
    """All that capture is sent lies on this disk before anyone waits for a stack."""
    assert work.ending
    pack = _pack(works, work)
    if not pack.exists():
        new = pack.with_suffix(".new")
        new.unlink(missing_ok=True)
        await (await _snapshots(works, work)).pack(work.base_tree, work.ending.end_tree, new)
        new.replace(pack)
    record = _record(works, work)
    if not record.exists() and (work.ending.thread_id or work.thread_id):
        hidden = json.loads(os.environ.get(_HIDDEN) or "[]")
        remark = await asyncio.to_thread(rollout.write, work, os.environ, hidden, record)
        if remark:
            return works.change(work.task_id, remarks=tuple(dict.fromkeys([*work.remarks, remark])))
    return work


def _pack(works: Works, work: Work) -> Path:
    assert work.ending
    return works.place(work.task_id) / f"{work.ending.end_tree}.pack"


def _record(works: Works, work: Work) -> Path:
    assert work.ending
    return works.place(work.task_id) / f"{work.ending.end_tree}.rollout.jsonl"


async def _tell(works: Works, work: Work) -> None:
    if work.state == ABORTED and not work.told:
        works.change(work.task_id, settled=True)
        return
    if work.state == STARTED and work.announced:
        return
    async with clients.capture() as stub:
        try:
            works.change(work.task_id, told=True)  # before: who is killed in between has told it
            await stub.StartTask(messages.start_request(work))
            works.change(work.task_id, announced=True)
            if work.state == ENDED:
                _settle(works, work, (await stub.EndTask(_stream(works, work))).task)
            elif work.state == ABORTED:
                _settle(works, work, (await stub.AbortTask(pb.AbortTaskRequest(task_id=work.task_id))).task)
        except (BadInput, FileExistsError) as error:
            raise _Refused(sentence(error)) from None
        except NotReady as error:
            if await _given_up(stub, work):
                raise _Refused(f"{sentence(error)}; it was given up at the stack, not here") from None
            raise


def _settle(works: Works, work: Work, task: pb.CaptureTask) -> None:
    """What capture says of a task is how it stands: an abort may come too late."""
    if task.state == pb.TASK_STATE_ENDED:
        works.change(work.task_id, state=DELIVERED, settled=True, result=messages.result(task), trouble="")
    elif task.state == pb.TASK_STATE_ABORTED:
        works.change(work.task_id, state=ABORTED, settled=True, trouble="")


async def _given_up(stub: "CaptureServiceAsyncStub", work: Work) -> bool:
    if work.state != ENDED:
        return False
    task = (await stub.GetTaskStatus(pb.GetTaskStatusRequest(task_id=work.task_id))).task
    return bool(task.state == pb.TASK_STATE_ABORTED)


async def _stream(works: Works, work: Work) -> AsyncIterator[pb.EndTaskRequest]:
    """EndTask's: the ending, the agent's record, the pack, its digest."""
    yield pb.EndTaskRequest(ending=messages.ending(work))
    async for piece in _pieces(_record(works, work)):
        yield pb.EndTaskRequest(rollout=piece)
    total = hashlib.sha256()
    async for piece in _pieces(_pack(works, work)):
        total.update(piece)
        yield pb.EndTaskRequest(chunk=piece)
    yield pb.EndTaskRequest(sha256=total.hexdigest())


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    """A file's bytes; none of one that is not there."""
    if file.exists():
        with file.open("rb") as it:
            while piece := await asyncio.to_thread(it.read, _CHUNK_BYTES):
                yield piece

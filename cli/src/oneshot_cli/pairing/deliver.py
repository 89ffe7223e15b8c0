"""The program that delivers works: python -m oneshot_cli.pairing.deliver TASK_ID..., of those below ONESHOT_STATE.

Every step may be repeated, by another process after a kill too: what is sent lies on disk first, and capture takes the same
message twice for one. What goes wrong is kept in the work's record, as a sentence.
"""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_cli import clients, locks
from oneshot_cli.pairing import delivery, messages, rollout
from oneshot_cli.pairing.works import ABORTED, DELIVERED, ENDED, REFUSED, STARTED, Work, Works
from oneshot_cli.repository import readiness, where
from oneshot_cli.repository.store import Store
from oneshot_shared.errors import BadInput, NotReady, sentence

if TYPE_CHECKING:
    from oneshot.capture.v1.capture_pb2_grpc import CaptureServiceAsyncStub

_PAUSES_SECONDS = (0.0, 1.0, 4.0, 15.0)
_LOOK_SECONDS = 0.2
_CHUNK_BYTES = 1024 * 1024
_LIFE_SECONDS = 1800.0  # of one work: a capture that takes the pack and never answers would keep it for ever


async def deliver(works: Works, task_id: str) -> None:
    """Deliver until nothing is owed, or trouble stays."""
    while True:
        with locks.opened(delivery.lock(works, task_id)) as lock:
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
    if work.settled and work.state != REFUSED:  # a refused one may be ended again
        works.forget_trees(task_id)
    return work


async def _unless_changed(works: Works, work: Work, seconds: float) -> None:
    """Wait; no longer once there is news of the work."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while works.get(work.task_id) == work:  # noqa: ASYNC110 -- another process changes it
                await asyncio.sleep(_LOOK_SECONDS)


async def _try(works: Works, work: Work) -> Work:
    try:
        if work.state == ENDED:
            await _make_ready(works, work)
        for error in await asyncio.gather(_tell(works, work), _keep(works, work), return_exceptions=True):
            if error:
                raise error
    except _Refused as error:
        return works.change(work.task_id, (work.state,), state=REFUSED, settled=True, trouble=str(error))
    except subprocess.CalledProcessError as error:
        return works.change(work.task_id, trouble=f"git failed ({error.stderr.strip()[-300:]})")
    except (OSError, RuntimeError, BadInput) as error:
        return works.change(work.task_id, trouble=sentence(error))
    return works.get(work.task_id)


class _Refused(Exception):  # noqa: N818 -- it names what capture says
    """Capture will never take it; says why, as a sentence."""


async def _keep(works: Works, work: Work) -> None:
    if work.state == STARTED and not work.kept:
        await Store(works.place(work.task_id)).keep()
        remarks = dict.fromkeys([*work.remarks, *await _warnings(Path(work.top), works.state)])
        works.change(work.task_id, kept=True, remarks=tuple(remarks))


async def _warnings(top: Path, state: Path) -> list[str]:
    """What makes the base a poorer one: the start did not wait for it."""
    try:
        findings = await readiness.check(await where.find(top), state)
    except BadInput:  # the tree is gone
        return []
    return [each.sentence for each in findings if each.level != "note"]


async def _make_ready(works: Works, work: Work) -> None:
    """All that capture is sent lies on this disk before anyone waits for a stack."""
    assert work.ending
    pack, record = _pack(works, work), _record(works, work)
    if not pack.exists():
        new = pack.with_suffix(".new")
        new.unlink(missing_ok=True)
        await Store(works.place(work.task_id)).pack(work.base_tree, work.ending.end_tree, new)
        new.replace(pack)
    if not record.exists() and (work.ending.thread_id or work.thread_id):
        hidden = json.loads(os.environ.get(delivery.HIDDEN) or "[]")
        if remark := await asyncio.to_thread(rollout.write, work, os.environ, hidden, record):
            works.change(work.task_id, remarks=tuple(dict.fromkeys([*work.remarks, remark])))


def _pack(works: Works, work: Work) -> Path:
    assert work.ending
    return works.place(work.task_id) / f"{work.ending.end_tree}.pack"


def _record(works: Works, work: Work) -> Path:
    assert work.ending
    return works.place(work.task_id) / f"{work.ending.end_tree}.jsonl"


async def _tell(works: Works, work: Work) -> None:
    """Tell capture what is owed."""
    if work.state == ABORTED and not work.told:
        works.change(work.task_id, settled=True, trouble="")
        return
    if work.state == STARTED and work.announced:
        return
    async with clients.capture() as stub:
        works.change(work.task_id, told=True)  # before: who is killed in between has told it
        try:
            await stub.StartTask(messages.start_request(work))
            works.change(work.task_id, announced=True, trouble="")
            if work.state == ENDED:
                _settle(works, work, (await stub.EndTask(_stream(works, work))).task)
            elif work.state == ABORTED:
                _settle(works, work, (await stub.AbortTask(pb.AbortTaskRequest(task_id=work.task_id))).task)
        except (BadInput, FileExistsError) as error:
            raise _Refused(sentence(error)) from None
        except NotReady:
            if work.state == ENDED and await _state(stub, work) == pb.TASK_STATE_ABORTED:
                raise _Refused("it was given up at the stack; start another task") from None
            raise


def _settle(works: Works, work: Work, task: pb.CaptureTask) -> None:
    """What capture says of a task is how it stands: an abort may come too late."""
    if task.state == pb.TASK_STATE_ENDED:
        works.change(work.task_id, state=DELIVERED, settled=True, result=messages.result(task), trouble="")
    elif task.state == pb.TASK_STATE_ABORTED:
        works.change(work.task_id, state=ABORTED, settled=True, trouble="")


async def _state(stub: "CaptureServiceAsyncStub", work: Work) -> pb.TaskState:
    return (await stub.GetTaskStatus(pb.GetTaskStatusRequest(task_id=work.task_id))).task.state


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


async def _all(task_ids: list[str]) -> int:
    works = Works.here()
    failed = 0
    for task_id in task_ids:
        try:
            async with asyncio.timeout(_LIFE_SECONDS):
                await deliver(works, task_id)
        except TimeoutError:
            works.change(task_id, trouble=f"capture was not done with it within {_LIFE_SECONDS:g} s")
        except Exception as error:  # noqa: BLE001 -- a full disk, a fault of ours: the others are delivered all the same
            traceback.print_exception(error)
            failed = 1
            with suppress(OSError, FileNotFoundError):
                works.change(task_id, trouble=f"the delivery ended with {type(error).__name__}: {sentence(error)}")
    return failed


def main(*task_ids: str) -> int:
    """0, unless there is one that could not even be tried; the log beside its record says why."""
    return asyncio.run(_all(list(task_ids)))


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))

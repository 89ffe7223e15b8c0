"""The tasks that are being captured: started, ended, given up. What is stored survives a kill at any moment."""

import asyncio
import shutil
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2_grpc
from oneshot_capture import folder, receiving, trace
from oneshot_capture.settings import CaptureSettings
from oneshot_capture.store import CaptureStore
from oneshot_capture.trees import PackedTrees
from oneshot_shared import capture_checks, logs, naming
from oneshot_shared.errors import NotReady, sentence
from oneshot_shared.task import Rubric

_NEW = ".new-"
_MIB = 1024 * 1024
_NEXT = {
    pb.TASK_STATE_STARTED: "do the work, then end the task with EndTask, or give it up with AbortTask",
    pb.TASK_STATE_ENDED: "prepare it: a created task has no task.toml and no Dockerfile yet, so it cannot be run",
    pb.TASK_STATE_ABORTED: "nothing: the task was given up; start another with StartTask",
}


class Capture:
    """Every task and its folder. One for a data folder. `proxy`: where sessions are recorded, if anywhere."""

    def __init__(self, settings: CaptureSettings, proxy: "proxy_pb2_grpc.ProxyServiceAsyncStub | None" = None) -> None:
        self._proxy = proxy
        self._pack_bytes = settings.pack_mb * _MIB
        self._created = settings.data / "tasks" / "created"
        self._scratch = settings.data / "state" / "capture"
        for place in (self._created, self._scratch):
            place.mkdir(parents=True, exist_ok=True)
            for half in place.glob(f"{_NEW}*"):  # an earlier process was killed at its work
                shutil.rmtree(half, ignore_errors=True)
        self._store = CaptureStore(settings.data / "state" / "capture.sqlite")
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._jobs: set[asyncio.Task[pb.CaptureTask]] = set()
        self._stopping = False

    def start(self, request: pb.StartTaskRequest) -> pb.CaptureTask:
        """Remember a new task. :raises BadInput: the request. FileExistsError: the id stands for other content."""
        capture_checks.check_start(request)
        if known := self._store.get(request.task_id):
            if known.start != request:
                raise FileExistsError(
                    f"the task id {request.task_id!r} is taken by a task of other content; use another"
                )
            return self.get(request.task_id)
        started = naming.rfc3339(datetime.now(UTC))
        task = pb.CaptureTask(task_id=request.task_id, start=request, state=pb.TASK_STATE_STARTED, started_at=started)
        self._store.add(task)
        return _told(task)

    async def end(self, requests: AsyncIterator[pb.EndTaskRequest]) -> pb.CaptureTask:
        """Take an ending, the agent's own record and both trees, and write the created task.

        :raises BadInput: the stream or the trees. FileNotFoundError, NotReady, FileExistsError: the task's state.
        """
        ending = await receiving.ending(requests)
        task = self.get(ending.task_id)
        rubric = capture_checks.check_ending(ending)
        capture_checks.check_same_task(task.start, ending)
        if _ended(task, ending):
            return task
        place = Path(mkdtemp(prefix=_NEW, dir=self._scratch))
        try:
            await receiving.rest(requests, place, self._pack_bytes)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)  # two files; a caller who has left leaves no time to wait
            raise
        if self._stopping:
            shutil.rmtree(place, ignore_errors=True)
            raise NotReady("capture is stopping, and nothing was written; end the task again when it is back")
        job = asyncio.create_task(self._finish(ending, rubric, place))
        self._jobs.add(job)
        job.add_done_callback(self._done)
        return await asyncio.shield(job)

    def _done(self, job: asyncio.Task[pb.CaptureTask]) -> None:
        self._jobs.discard(job)
        if not job.cancelled() and (error := job.exception()):
            logs.get().info("task not ended", error=sentence(error))

    async def _finish(self, ending: pb.Ending, rubric: Rubric | None, place: Path) -> pb.CaptureTask:
        half = self._created / place.name
        try:
            async with self._locks[ending.task_id]:
                task = self.get(ending.task_id)
                if _ended(task, ending):  # by another call, meanwhile
                    return task
                moment = datetime.now(UTC)
                task.ending.CopyFrom(ending)
                task.ended_at = naming.rfc3339(moment)
                trees = PackedTrees(place)
                await trees.take(place / receiving.PACK)
                await folder.write(half, trees, task, rubric)
                task.remarks.extend(await trace.write(half / "oneshot", task, place / receiving.ROLLOUT, self._proxy))
                folder.write_origin(half, task)
                task.folder = naming.folder(task.start.title, moment, lambda name: (self._created / name).exists())
                self._store.save(task)
                half.rename(self._created / task.folder)  # the atomic step; get() settles a kill before or after it
                return self.get(ending.task_id)
        finally:
            for each in (half, place):
                await asyncio.to_thread(shutil.rmtree, each, ignore_errors=True)

    async def abort(self, task_id: str) -> pb.CaptureTask:
        """Give a started task up; whatever is being written is written first. :raises FileNotFoundError: no such task."""
        async with self._locks[self.get(task_id).task_id]:
            task = self.get(task_id)
            if task.state == pb.TASK_STATE_STARTED:
                task.state, task.ended_at = pb.TASK_STATE_ABORTED, naming.rfc3339(datetime.now(UTC))
                self._store.save(task)
            return _told(task)

    def get(self, task_id: str) -> pb.CaptureTask:
        """A task as it stands. :raises FileNotFoundError: none of that id."""
        task = self._store.get(task_id)
        if task is None:
            raise FileNotFoundError(f"no task {task_id[:100]!r} was started; ListTasks shows the tasks there are")
        return _told(self._settled(task))

    def newest(self, limit: int) -> list[pb.CaptureTask]:
        """The newest tasks, without their longest words."""
        tasks = [_told(self._settled(task)) for task in self._store.newest(limit)]
        for task in tasks:
            task.ClearField("ending")
            task.start.ClearField("instructions")
            task.start.ClearField("notes")
        return tasks

    def _settled(self, task: pb.CaptureTask) -> pb.CaptureTask:
        """A started task with a folder's name was about to get that folder: either it did, or a kill came between."""
        if task.state == pb.TASK_STATE_STARTED and task.folder:
            if (self._created / task.folder).is_dir():
                task.state = pb.TASK_STATE_ENDED
            else:
                for name in ("folder", "ending", "counts", "ended_at", "remarks"):
                    task.ClearField(name)
            self._store.save(task)
        return task

    def busy(self) -> str:
        """What is being written, in a few words."""
        return f"{len(self._jobs)} tasks being written" if self._jobs else ""

    async def finish(self) -> None:
        """Take no more, and let what was received whole be written."""
        self._stopping = True
        if self._jobs:
            await asyncio.wait(self._jobs)

    def close(self) -> None:
        """Close the store, after the last call."""
        self._store.close()


def _told(task: pb.CaptureTask) -> pb.CaptureTask:
    task.next_step = _NEXT[task.state]
    return task


def _ended(task: pb.CaptureTask, ending: pb.Ending) -> bool:
    """Whether the task has ended so already. :raises NotReady, FileExistsError: it has ended in another way."""
    if task.state == pb.TASK_STATE_ABORTED:
        raise NotReady(f"task {task.task_id!r} was given up, so it cannot be ended; start another with StartTask")
    if task.state == pb.TASK_STATE_ENDED and task.ending != ending:
        raise FileExistsError(
            f"task {task.task_id!r} has ended with other content, as {task.folder}; start another with StartTask"
        )
    return task.state == pb.TASK_STATE_ENDED

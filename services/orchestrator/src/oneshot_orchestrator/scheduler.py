"""Runs in slots: submission, queue, cancellation, and the end of every run, whatever happened to it."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from oneshot.grader.v1 import grader_pb2
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot_orchestrator import backends, folders, record, submission
from oneshot_orchestrator.contract import Backend, Spoilt
from oneshot_orchestrator.journal import Journal, Steps, ended
from oneshot_orchestrator.pipeline import Pipeline, Services
from oneshot_orchestrator.settings import OrchestratorSettings
from oneshot_orchestrator.store import RunStore
from oneshot_orchestrator.tasks import TaskStore
from oneshot_shared import logs
from oneshot_shared.errors import BadInput, NotReady, sentence, to_status

_REAP_SECONDS = 20.0
_STOPPED = "the orchestrator was stopped while this run was at work; submit it again"


@dataclass
class _Driven:
    """A run at work, and who watches it."""

    run: pb.Run
    task: asyncio.Task[None] | None = None
    watchers: int = 0
    unwatched_since: float = field(default_factory=time.monotonic)

    def cancel(self) -> None:
        """Cancel once: a second time would break off the removal of the sandbox."""
        if self.task and not self.task.cancelling():
            self.task.cancel()


class Scheduler:
    """Owns every run from its submission to its end."""

    def __init__(self, settings: OrchestratorSettings, services: Services) -> None:
        state = settings.data / "state"
        self._settings = settings
        self._services = services
        self._state = state
        self.scratch = state / "scratch"
        self._in_use = state / "backends"  # a file for each backend in use: an orchestrator that was killed leaves it
        self.tasks = TaskStore(state / "tasks")
        self.store = RunStore(state / "orchestrator.sqlite")
        self.journal = Journal(self.store)
        self._backends: dict[str, Backend] = {}
        self._making = asyncio.Lock()
        self._free: asyncio.PriorityQueue[int] = asyncio.PriorityQueue()
        for index in range(settings.slots):
            self._free.put_nowait(index)
        self._at_work: dict[str, _Driven] = {}
        self._closing = False
        self._watchdog: asyncio.Task[None] | None = None

    def folder(self, run_id: str) -> Path:
        """Where a run's results are."""
        return self._settings.data / "runs" / run_id

    async def start(self) -> None:
        """End what an earlier process left unfinished, remove its leftovers, and begin to look after attached runs."""
        await asyncio.to_thread(folders.remove, self.scratch)
        self.scratch.mkdir(parents=True, exist_ok=True)
        self._in_use.mkdir(exist_ok=True)
        for run in self.store.unfinished():
            self._end(run, _invalid(_STOPPED))
        for mark in self._in_use.iterdir():
            try:
                async with asyncio.timeout(_REAP_SECONDS):  # an engine that hangs must not keep the rest from starting
                    await self.backend(mark.name)  # a new one removes what the earlier process left
            except Exception as error:  # noqa: BLE001 -- whatever an earlier run left, the next ones must be able to start
                logs.get().warning("leftovers not removed", backend=mark.name, error=sentence(error))
        self._watchdog = asyncio.create_task(self._watch_the_attached())

    def busy(self) -> str:
        """What keeps the service busy."""
        return f"{len(self._at_work)} runs" if self._at_work else ""

    def get(self, run_id: str) -> pb.Run:
        """A run. :raises FileNotFoundError: no such run."""
        run = self.store.get(run_id)
        if run is None:
            raise FileNotFoundError(f"no run {run_id!r}; `oneshot runs list` shows the runs there are")
        return run

    async def backend(self, name: str) -> Backend:
        """A backend by name, made at its first use, when nothing of this process is in its hands yet."""
        async with self._making:
            if name not in self._backends:
                made = backends.make(name, self._settings, self._state)
                await made.reap()
                (self._in_use / name).touch()
                self._backends[name] = made
            return self._backends[name]

    async def submit(self, request: pb.SubmitRunRequest) -> tuple[pb.Run, str]:
        """Accept a run, or say what is wrong with it. Returns it, and why it has its backend."""
        submission.check_id(request.run_id)
        if known := self._known(request):
            return known, "submitted before"
        task = self.tasks.get(request.task_digest)
        backend, reason = await self._ready(request.backend)
        run = await submission.accept(
            request, task, backend, self._services, self._settings, self.store.get(request.replay_run)
        )
        if known := self._known(request):  # the same call, made again meanwhile
            return known, "submitted before"
        if self._closing:
            raise NotReady("the orchestrator is stopping; submit the run again when it is back")
        record.make_folders(self.folder(run.run_id))
        self.store.add(run, request)
        driven = self._at_work[run.run_id] = _Driven(run)
        driven.task = asyncio.create_task(self._drive(run, backend), name=run.run_id)
        driven.task.add_done_callback(lambda _: self._forget(run))
        return run, reason

    async def _ready(self, wanted: str) -> tuple[Backend, str]:
        """The wanted backend, or the first that is ready, and why it is that one. :raises NotReady: it is not; none is."""
        reason = "as asked" if wanted else "it is ready"
        names = [wanted] if wanted else list(self._settings.backends)
        while True:
            try:
                backend = await self.backend(names.pop(0))
                await backend.ready()
            except NotReady as error:
                if not names:
                    raise
                reason = sentence(error).split(";")[0]
            else:
                return backend, reason

    def _known(self, request: pb.SubmitRunRequest) -> pb.Run | None:
        """The run that was asked for before in the same words. :raises FileExistsError: the id is another run's."""
        known = self.store.get(request.run_id)
        if known and not self.store.is_repeat(request):
            raise FileExistsError(f"the run id {request.run_id!r} is taken by another run; choose another")
        if not known and self.folder(request.run_id).exists():
            raise FileExistsError(f"{self.folder(request.run_id)} exists already; choose another run id")
        return known

    async def cancel(self, run_id: str) -> pb.Run:
        """End a run, and wait until its sandbox is gone."""
        self.get(run_id)
        if (driven := self._at_work.get(run_id)) and driven.task:
            driven.cancel()
            await asyncio.wait([driven.task])
        return self.get(run_id)

    async def watch(self, run_id: str, after: int) -> AsyncIterator[pb.WatchRunResponse]:
        """Follow a run; for an attached one this is what keeps it going."""
        driven = self._at_work.get(run_id) or _Driven(pb.Run())
        driven.watchers += 1
        try:
            async for update in self.journal.follow(run_id, after):
                yield update
        finally:
            driven.watchers -= 1
            driven.unwatched_since = time.monotonic()

    async def _watch_the_attached(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self._settings.watch_grace_seconds))
            limit = time.monotonic() - self._settings.watch_grace_seconds
            for driven in self._at_work.values():
                if driven.run.request.attached and not driven.watchers and driven.unwatched_since < limit:
                    logs.get().info("nobody watches an attached run", run_id=driven.run.run_id)
                    driven.cancel()

    async def _drive(self, run: pb.Run, backend: Backend) -> None:
        structlog.contextvars.bind_contextvars(run_id=run.run_id)
        try:
            grade = await self._in_turn(run, backend, Steps(self.journal, run))
        except asyncio.CancelledError:
            self._end(run, None)
        except Exception as error:  # noqa: BLE001 -- whatever broke, the run gets its end and its record
            if to_status(error) is None and not isinstance(error, Spoilt):
                logs.get().error("run failed", exc_info=error)
            self._end(run, _invalid(sentence(error), _blame(error)))
        else:
            self._end(run, grade)

    def _forget(self, run: pb.Run) -> None:
        if not ended(run):  # cancelled before its first step
            self._end(run, None)
        del self._at_work[run.run_id]

    @asynccontextmanager
    async def _turn(self, steps: Steps) -> AsyncIterator[int]:
        """Wait for a slot; it is free again at the end, whatever cannot be written meanwhile."""
        index: int | None = None
        try:
            with steps.step(pb.STEP_QUEUE):
                index = await self._free.get()
            yield index
        finally:
            if index is not None:
                self._free.put_nowait(index)

    async def _in_turn(self, run: pb.Run, backend: Backend, steps: Steps) -> grader_pb2.Grade:
        async with self._turn(steps) as index:
            run.state, run.started_at = pb.RUN_STATE_RUNNING, submission.now()
            self.journal.save(run)
            pipeline = Pipeline(
                run=run,
                task=self.tasks.get(run.request.task_digest),
                backend=backend,
                slot=await backend.open_slot(index),
                services=self._services,
                steps=steps,
                folder=self.folder(run.run_id),
                scratch=self.scratch,
                changed=self.journal.save,
            )
            return await pipeline.execute()

    def _end(self, run: pb.Run, grade: grader_pb2.Grade | None) -> None:
        run.ended_at = submission.now()
        run.state = pb.RUN_STATE_FINISHED if grade else pb.RUN_STATE_CANCELLED
        if grade:
            run.grade.CopyFrom(grade)
        phase, detail = pb.PHASE_FINISHED, ""
        try:
            record.make_folders(self.folder(run.run_id))
            record.write(run, self.folder(run.run_id))
        except Exception as error:  # noqa: BLE001 -- the disk may be full, whatever: the store still has the result
            phase, detail = pb.PHASE_FAILED, f"results not written: {sentence(error)}"
            logs.get().error("results not written", run_id=run.run_id, exc_info=error)
        with contextlib.suppress(sqlite3.Error):  # then the event is missing, and only that
            self.journal.write(run, pb.STEP_RECORD, phase, detail)
        self.journal.save(run)

    async def close(self) -> None:
        """Cancel every run, wait for their ends, and remove what the backends hold."""
        self._closing = True
        if self._watchdog:
            self._watchdog.cancel()
        at_work = list(self._at_work.values())
        for driven in at_work:
            driven.cancel()
        if at_work:
            await asyncio.wait([driven.task for driven in at_work if driven.task])
        for name, backend in self._backends.items():
            await backend.close()
            (self._in_use / name).unlink(missing_ok=True)
        self.store.close()


def _blame(error: Exception) -> grader_pb2.Blame:
    if isinstance(error, Spoilt):
        return grader_pb2.BLAME_AGENT
    return grader_pb2.BLAME_TASK if isinstance(error, BadInput) else grader_pb2.BLAME_INFRA


def _invalid(reason: str, blame: grader_pb2.Blame = grader_pb2.BLAME_INFRA) -> grader_pb2.Grade:
    return grader_pb2.Grade(verdict=grader_pb2.VERDICT_INVALID, blame=blame, reason=reason)

"""Runs in slots: submission, queue, cancellation, and the end of every run, whatever happened to it."""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import structlog

from oneshot.grader.v1 import grader_pb2
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot_orchestrator import backends, record, submission
from oneshot_orchestrator.contract import Backend, Slot
from oneshot_orchestrator.journal import Journal, Steps
from oneshot_orchestrator.pipeline import Pipeline, Services
from oneshot_orchestrator.settings import OrchestratorSettings
from oneshot_orchestrator.store import RunStore
from oneshot_orchestrator.tasks import TaskStore
from oneshot_shared import logs
from oneshot_shared.errors import BadInput, sentence, to_status


class Scheduler:
    """Owns every run from its submission to its end."""

    def __init__(self, settings: OrchestratorSettings, services: Services) -> None:
        state = settings.data / "state"
        self._settings = settings
        self._services = services
        self._state = state
        self._scratch = state / "scratch"
        self._scratch.mkdir(parents=True, exist_ok=True)
        self.tasks = TaskStore(state / "tasks")
        self.store = RunStore(state / "orchestrator.sqlite")
        self.journal = Journal(self.store)
        self._backends: dict[str, Backend] = {}
        self._slots: dict[tuple[str, int], Slot] = {}
        self._free: asyncio.PriorityQueue[int] = asyncio.PriorityQueue()
        for index in range(settings.slots):
            self._free.put_nowait(index)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._watchers: dict[str, int] = defaultdict(int)
        self._unwatched_since: dict[str, float] = {}
        self._submitting = asyncio.Lock()
        self._watchdog: asyncio.Task[None] | None = None

    def folder(self, run_id: str) -> Path:
        """Where a run's results are."""
        return self._settings.data / "runs" / run_id

    def start(self) -> None:
        """End what an earlier process left unfinished, and begin to look after attached runs."""
        for run in self.store.unfinished():
            reason = "the orchestrator was stopped while this run was at work; submit it again"
            self._end(run, _invalid(reason))
        self._watchdog = asyncio.create_task(self._watch_the_attached())

    def busy(self) -> str:
        """What keeps the service busy."""
        return f"{len(self._running)} runs" if self._running else ""

    def get(self, run_id: str) -> pb.Run:
        """A run. :raises FileNotFoundError: no such run."""
        run = self.store.get(run_id)
        if run is None:
            raise FileNotFoundError(f"no run {run_id!r}; `oneshot runs list` shows the runs there are")
        return run

    def backend(self, name: str) -> Backend:
        """A backend by name, made at its first use."""
        if name not in self._backends:
            self._backends[name] = backends.make(name, self._settings, self._state)
        return self._backends[name]

    async def submit(self, request: pb.SubmitRunRequest) -> pb.Run:
        """Accept a run, or say what is wrong with it."""
        submission.check_id(request.run_id)
        async with self._submitting:
            if known := self.store.get(request.run_id):
                return self._repeat(known, request)
            if self.folder(request.run_id).exists():
                raise FileExistsError(f"{self.folder(request.run_id)} exists already; choose another run id")
            task = self.tasks.get(request.task_digest)
            run = await submission.accept(request, task, self.backend(request.backend), self._services, self._settings)
            record.make_folders(self.folder(run.run_id))
            self.store.add(run)
            self._unwatched_since[run.run_id] = time.monotonic()
            self._running[run.run_id] = asyncio.create_task(self._drive(run), name=run.run_id)
        return run

    def _repeat(self, known: pb.Run, request: pb.SubmitRunRequest) -> pb.Run:
        same = (known.request.task_digest, known.request.agent, known.request.model, known.request.backend)
        if same != (request.task_digest, request.agent, request.model, request.backend):
            raise FileExistsError(f"the run id {request.run_id!r} is taken by another run; choose another")
        return known

    async def cancel(self, run_id: str) -> pb.Run:
        """End a run, and wait until its sandbox is gone."""
        self.get(run_id)
        if driving := self._running.get(run_id):
            driving.cancel()
            await asyncio.wait([driving])
        return self.get(run_id)

    async def watch(self, run_id: str, after: int) -> AsyncIterator[pb.WatchRunResponse]:
        """Follow a run; for an attached one this is what keeps it going."""
        self._watchers[run_id] += 1
        try:
            async for update in self.journal.follow(run_id, after):
                yield update
        finally:
            self._watchers[run_id] -= 1
            self._unwatched_since[run_id] = time.monotonic()

    async def _watch_the_attached(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self._settings.watch_grace_seconds))
            limit = time.monotonic() - self._settings.watch_grace_seconds
            for run_id, driving in list(self._running.items()):
                unwatched = not self._watchers[run_id] and self._unwatched_since[run_id] < limit
                if unwatched and self.get(run_id).request.attached:
                    logs.get().info("nobody watches an attached run", run_id=run_id)
                    driving.cancel()

    async def _drive(self, run: pb.Run) -> None:
        structlog.contextvars.bind_contextvars(run_id=run.run_id)
        steps = Steps(self.journal, run)
        try:
            with steps.step(pb.STEP_QUEUE):
                index = await self._free.get()
            try:
                grade = await self._execute(run, steps, index)
            finally:
                self._free.put_nowait(index)
        except asyncio.CancelledError:
            self._end(run, None)
        except Exception as error:  # noqa: BLE001 -- whatever broke, the run gets its end and its record
            if to_status(error) is None:
                logs.get().error("run failed", exc_info=error)
            self._end(run, _invalid(sentence(error), task=isinstance(error, BadInput)))
        else:
            self._end(run, grade)
        finally:
            self._running.pop(run.run_id, None)
            self._watchers.pop(run.run_id, None)
            self._unwatched_since.pop(run.run_id, None)

    async def _execute(self, run: pb.Run, steps: Steps, index: int) -> grader_pb2.Grade:
        run.state, run.started_at = pb.RUN_STATE_RUNNING, submission.now()
        self.journal.save(run)
        backend = self.backend(run.request.backend)
        pipeline = Pipeline(
            run=run,
            task=self.tasks.get(run.request.task_digest),
            backend=backend,
            slot=await self._slot(backend, index),
            services=self._services,
            steps=steps,
            folder=self.folder(run.run_id),
            scratch=self._scratch,
            changed=self.journal.save,
        )
        return await pipeline.execute()

    async def _slot(self, backend: Backend, index: int) -> Slot:
        key = (backend.name, index)
        if key not in self._slots:
            self._slots[key] = await backend.open_slot(index)
        return self._slots[key]

    def _end(self, run: pb.Run, grade: grader_pb2.Grade | None) -> None:
        run.ended_at = submission.now()
        run.state = pb.RUN_STATE_FINISHED if grade else pb.RUN_STATE_CANCELLED
        if grade:
            run.grade.CopyFrom(grade)
        phase = pb.PHASE_FINISHED
        try:
            record.make_folders(self.folder(run.run_id))
            record.write(run, self.folder(run.run_id))
        except OSError as error:  # the disk may be full: the store still has the result
            phase = pb.PHASE_FAILED
            logs.get().error("results not written", run_id=run.run_id, exc_info=error)
        self.journal.write(run, pb.STEP_RECORD, phase)
        self.journal.save(run)

    async def close(self) -> None:
        """Cancel every run, wait for their ends, and remove what the backends hold."""
        if self._watchdog:
            self._watchdog.cancel()
        running = list(self._running.values())
        for driving in running:
            driving.cancel()
        if running:
            await asyncio.wait(running)
        for backend in self._backends.values():
            with contextlib.suppress(ConnectionError):
                await backend.close()
        self.store.close()


def _invalid(reason: str, *, task: bool = False) -> grader_pb2.Grade:
    blame = grader_pb2.BLAME_TASK if task else grader_pb2.BLAME_INFRA
    return grader_pb2.Grade(verdict=grader_pb2.VERDICT_INVALID, blame=blame, reason=reason)

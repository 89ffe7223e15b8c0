"""A run's journal: each step is written before and after, and whoever watches is woken."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot_orchestrator.store import RunStore
from oneshot_shared.errors import printable, sentence

_ENDED = (pb.RUN_STATE_FINISHED, pb.RUN_STATE_CANCELLED)
_PROGRESS_SECONDS = 0.2


def ended(run: pb.Run) -> bool:
    """Whether a run's record is final."""
    return run.state in _ENDED


class Journal:
    """Writes runs and events to the store, and follows them."""

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._news: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def save(self, run: pb.Run) -> None:
        """Store a run, and tell."""
        self._store.save(run)
        self._tell(run.run_id)

    def write(self, run: pb.Run, step: pb.Step, phase: pb.Phase, detail: str = "") -> None:
        """Add an event."""
        event = pb.RunEvent(time=time.time(), step=step, phase=phase, detail=printable(detail), usage=run.usage)
        self._store.append(run.run_id, event)
        self._tell(run.run_id)

    def _tell(self, run_id: str) -> None:
        self._news.pop(run_id, asyncio.Event()).set()

    async def follow(self, run_id: str, after: int) -> AsyncIterator[pb.WatchRunResponse]:
        """Every event after a number, then the ended run. :raises FileNotFoundError: no such run."""
        while True:
            news = self._news[run_id]
            run = self._store.get(run_id)
            if run is None:
                raise FileNotFoundError(f"no run {run_id!r}; `oneshot runs list` shows the runs there are")
            for event in self._store.events(run_id, after):
                after = event.seq
                yield pb.WatchRunResponse(event=event)
            if ended(run):
                self._news.pop(run_id, None)
                yield pb.WatchRunResponse(run=run)
                return
            await news.wait()


class Steps:
    """The steps of one run."""

    def __init__(self, journal: Journal, run: pb.Run) -> None:
        self._journal = journal
        self._run = run
        self._step = pb.STEP_QUEUE
        self._last = 0.0

    @contextmanager
    def step(self, step: pb.Step) -> Iterator[None]:
        """Journal a step before and after."""
        self._step = step
        self._journal.write(self._run, step, pb.PHASE_STARTED)
        try:
            yield
        except BaseException as error:
            why = "cancelled" if isinstance(error, asyncio.CancelledError) else sentence(error).split("\n")[0]
            self._journal.write(self._run, step, pb.PHASE_FAILED, why)
            raise
        self._journal.write(self._run, step, pb.PHASE_FINISHED)

    def say(self, words: str) -> None:
        """What is happening now; at most five a second are kept."""
        if (now := time.monotonic()) - self._last >= _PROGRESS_SECONDS:
            self._last = now
            self._journal.write(self._run, self._step, pb.PHASE_PROGRESS, words)

    def alarm(self, words: str) -> None:
        """What is wrong with the run's recording: never left out, and shown by its first word."""
        self._journal.write(self._run, self._step, pb.PHASE_PROGRESS, f"alarm: {words}")

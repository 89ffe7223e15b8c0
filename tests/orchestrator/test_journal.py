"""A run's journal."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot_orchestrator.journal import Journal, Steps, ended
from oneshot_orchestrator.store import RunStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    made = RunStore(tmp_path / "runs.sqlite")
    made.add(pb.Run(run_id="a"), pb.SubmitRunRequest(run_id="a"))
    yield made
    made.close()


def phases(store: RunStore) -> list[tuple[int, int, str]]:
    return [(event.step, event.phase, event.detail) for event in store.events("a", 0)]


def test_a_step_is_written_before_and_after(store: RunStore) -> None:
    steps = Steps(Journal(store), pb.Run(run_id="a"))
    with steps.step(pb.STEP_BUILD):
        assert phases(store) == [(pb.STEP_BUILD, pb.PHASE_STARTED, "")]
        steps.say("first")
        steps.say("too soon after the first to be kept")
        steps.alarm("a call was lost")
    with pytest.raises(ValueError, match="one"), steps.step(pb.STEP_AGENT):
        raise ValueError("one\ntwo")
    with pytest.raises(asyncio.CancelledError), steps.step(pb.STEP_VERIFY):
        raise asyncio.CancelledError
    assert phases(store)[1:] == [
        (pb.STEP_BUILD, pb.PHASE_PROGRESS, "first"),
        (pb.STEP_BUILD, pb.PHASE_PROGRESS, "alarm: a call was lost"),
        (pb.STEP_BUILD, pb.PHASE_FINISHED, ""),
        (pb.STEP_AGENT, pb.PHASE_STARTED, ""),
        (pb.STEP_AGENT, pb.PHASE_FAILED, "one"),
        (pb.STEP_VERIFY, pb.PHASE_STARTED, ""),
        (pb.STEP_VERIFY, pb.PHASE_FAILED, "cancelled"),
    ]


async def test_following_replays_waits_and_ends_with_the_run(store: RunStore) -> None:
    journal, run = Journal(store), pb.Run(run_id="a")
    journal.write(run, pb.STEP_QUEUE, pb.PHASE_STARTED)
    seen: list[pb.WatchRunResponse] = []

    async def follow(after: int) -> None:
        seen.extend([update async for update in journal.follow("a", after)])

    following = asyncio.gather(follow(0), follow(1))
    for phase in (pb.PHASE_FINISHED, pb.PHASE_STARTED):
        await asyncio.sleep(0.01)
        journal.write(run, pb.STEP_BUILD, phase)
    await asyncio.sleep(0.01)
    assert not following.done()
    run.state = pb.RUN_STATE_FINISHED
    journal.save(run)
    await asyncio.wait_for(following, 2)
    assert ended(seen[-1].run)
    assert sorted(update.event.seq for update in seen if update.HasField("event")) == [1, 2, 2, 3, 3]
    assert sum(update.HasField("run") for update in seen) == 2


async def test_following_an_unknown_run(store: RunStore) -> None:
    with pytest.raises(FileNotFoundError, match="no run 'x'"):
        await anext(Journal(store).follow("x", 0))

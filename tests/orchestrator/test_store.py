"""The run store."""

import sqlite3
from pathlib import Path

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot_orchestrator.store import RunStore

REQUEST = pb.SubmitRunRequest()


def run(run_id: str, state: pb.RunState = pb.RUN_STATE_QUEUED, **more: str) -> pb.Run:
    return pb.Run(run_id=run_id, state=state, **more)


def test_runs_come_back_newest_first_also_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "state" / "runs.sqlite"
    store = RunStore(file)
    for name in ("a", "b", "c"):
        store.add(run(name), REQUEST)
    store.save(run("b", pb.RUN_STATE_FINISHED))
    store.close()
    again = RunStore(file)
    assert [each.run_id for each in again.newest(2)] == ["c", "b"]
    assert [each.run_id for each in again.unfinished()] == ["a", "c"]
    assert again.get("b") == run("b", pb.RUN_STATE_FINISHED)
    assert again.get("d") is None
    assert file.stat().st_mode & 0o777 == 0o600
    again.close()


def test_a_request_is_a_repeat_only_in_just_the_same_words(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.sqlite")
    request = pb.SubmitRunRequest(run_id="a", model="m", replay="tape")
    store.add(run("a"), request)
    assert store.is_repeat(request)
    for change in ({"replay": ""}, {"attached": True}, {"limits": {"tokens": 5}}, {"run_id": "b"}):
        other = pb.SubmitRunRequest()
        other.CopyFrom(request)
        other.MergeFrom(pb.SubmitRunRequest(**change))
        if change == {"replay": ""}:
            other.replay = ""
        assert not store.is_repeat(other), change
    store.close()


def test_events_are_numbered_within_their_run(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.sqlite")
    for name in ("a", "b", "a"):
        store.append(name, pb.RunEvent(detail=name))
    assert [event.seq for event in store.events("a", 0)] == [1, 2]
    assert [event.seq for event in store.events("a", 1)] == [2]
    store.close()


def test_an_end_that_a_full_disk_does_not_take_is_known_and_written_later(tmp_path: Path) -> None:
    file = tmp_path / "runs.sqlite"
    store = RunStore(file)
    store.add(run("a"), REQUEST)
    store.add(run("b"), REQUEST)
    other = sqlite3.connect(file, isolation_level=None)
    store._db.execute("PRAGMA busy_timeout = 0")
    other.execute("BEGIN IMMEDIATE")  # as little as with a full disk can anything be written now
    store.save(run("a", pb.RUN_STATE_FINISHED))
    assert store.get("a") == store.newest(5)[1] == run("a", pb.RUN_STATE_FINISHED)
    other.execute("ROLLBACK")
    other.close()
    store.save(run("b", pb.RUN_STATE_CANCELLED))
    store.close()
    again = RunStore(file)
    assert list(again.unfinished()) == []
    again.close()

"""Which tasks are a session's, and what is said of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from oneshot_cli import synth_tasks
from oneshot_cli.pairing.works import Ending, Result, Work
from oneshot_cli.synth_tasks import Session

NOW = datetime.now(UTC)


def moment(minutes: float) -> str:
    return (NOW + timedelta(minutes=minutes)).isoformat()


def work(**more: Any) -> Work:
    """A task that was started an hour ago."""
    fixed = {
        "task_id": "mend-add-1",
        "top": "/r",
        "title": "Mend add",
        "where": {"ONESHOT_DATA": "/d"},
        "base_tree": "0" * 40,
    }
    return Work(**fixed | {"started_at": moment(-60)} | more)


def ending(minutes: float, session_id: str = "") -> Ending:
    return Ending(said="", summary="", end_tree="1" * 40, ended_at=moment(minutes), session_id=session_id)


def test_a_sessions_tasks_are_those_that_began_or_ended_in_it() -> None:
    live = Session("live-1", NOW)
    assert live.has(work(session_id="live-1"))
    assert live.has(work(session_id="live-0", ending=ending(1, "live-1")))
    assert not live.has(work(session_id="live-0", ending=ending(1, "live-2")))
    assert not live.has(work(ending=ending(1)))


def test_without_a_recording_they_are_those_of_its_time_that_nobody_recorded() -> None:
    unrecorded = Session("", NOW)
    assert unrecorded.has(work(started_at=moment(1)))
    assert unrecorded.has(work(ending=ending(1)))
    assert not unrecorded.has(work())
    assert not unrecorded.has(work(started_at=moment(1), session_id="live-1"))
    assert not unrecorded.has(work(ending=ending(1, "live-1")))


def test_what_is_said_of_each() -> None:
    assert "ask Codex to start a task" in synth_tasks.lines([])[0]
    first, next_ = synth_tasks.lines([work()])
    assert "open since" in first
    assert next_.startswith("Nothing of it is lost. To go on: codex-synth resume --last; ")
    owed = synth_tasks.lines([work(state="ended", ending=ending(0), trouble="no stack answers")])
    assert "no stack answers" in str(owed)
    assert owed[-1] == "Next: it is created in the background; oneshot task send waits for it."
    result = Result(
        folder="mend-add_1", base_files=3, source_files=2, test_files=1, remarks=("a remark",), next_step="prepare it"
    )
    made = synth_tasks.lines(
        [work(state="delivered", settled=True, ending=ending(0), result=result), work(state="aborted")]
    )
    assert "/d/tasks/created/mend-add_1" in made[0]
    assert [line for line in made if "a remark" in line]
    assert "Next: prepare it." in made
    assert "given up" in made[-1]

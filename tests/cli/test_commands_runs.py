"""oneshot runs."""

import subprocess
from pathlib import Path

import pytest

from cli.harness import House, await_line, end, interrupt

LOCAL = ("--backend", "local")


@pytest.fixture(scope="module")
def passed(house: House) -> str:
    """The id of a run of the oracle."""
    run_id: str = house("run", "hello-world", "--agent", "oracle", *LOCAL, "--json").json["run_id"]
    return run_id


def test_list(house: House, passed: str) -> None:
    newest = house("runs", "list", "--limit", "1")
    assert newest.code == 0
    header, row = newest.out.splitlines()
    assert header.startswith("RUN ")
    assert row.startswith(f"{passed} ")
    assert " PASS " in newest.out
    assert [run["run_id"] for run in house("runs", "list", "--limit", "1", "--json").json] == [passed]


def test_show(house: House, passed: str) -> None:
    shown = house("runs", "show", passed)
    assert shown.code == 0
    assert "[results] Verdict: PASS" in shown.out
    assert "[cleanup]" not in shown.out
    assert house("runs", "show", passed, "--json").json["run_id"] == passed


def test_logs(house: House, passed: str) -> None:
    logs = house("runs", "logs", passed)
    assert logs.code == 0
    assert "==> verify-solution.json <==" in logs.out
    one = house("runs", "logs", passed, "--name", "verify-solution.json")
    assert one.out.startswith("{")
    missing = house("runs", "logs", passed, "--name", "bild.log")
    assert missing.code == 2
    assert missing.sentence.startswith(f"run {passed!r} has no log 'bild.log'")


def test_diff_applies(house: House, passed: str, tmp_path: Path) -> None:
    diff = house("runs", "diff", passed).out
    repo = house.task / "environment" / "repo"
    applied = subprocess.run(
        ["git", "apply", "--check", "-"], input=diff, cwd=repo, text=True, capture_output=True, check=False
    )
    assert applied.returncode == 0, applied.stderr


@pytest.mark.parametrize("command", ["show", "watch", "cancel", "logs", "diff"])
def test_a_run_that_is_not_there(house: House, command: str) -> None:
    ended = house("runs", command, "no-such-run")
    assert (ended.code, ended.out) == (2, "")
    assert ended.sentence == "no run 'no-such-run'; `oneshot runs list` shows the runs there are"


def test_cancel_and_what_a_cancelled_run_shows(house: House) -> None:
    slow = ("--agent", "command", "--command", "sleep 300", *LOCAL)
    run_id = house("run", "hello-world", *slow, "--detach").out.strip()
    assert " running " in house("runs", "show", run_id).out or " queued " in house("runs", "show", run_id).out
    watching = house.start("runs", "watch", run_id)
    await_line(watching, "agent at work")
    cancelled = house("runs", "cancel", run_id)
    assert (cancelled.code, cancelled.out) == (0, f"Run {run_id} is cancelled.\n")
    watched = end(watching)
    assert watched.code == 130
    assert f"Run {run_id} was cancelled after" in watched.out
    assert not [process for process in house.processes() if "sleep" in process]
    again = house("runs", "cancel", run_id)
    assert (again.code, again.out) == (0, f"Run {run_id} is cancelled.\n")
    diff = house("runs", "diff", run_id)
    assert diff.code == 2
    assert diff.sentence.startswith(f"run {run_id!r} has no diff: it ended before its tree was collected")
    assert house("runs", "logs", run_id).code == 0


def test_a_finished_run_stands_when_it_is_cancelled(house: House, passed: str) -> None:
    ended = house("runs", "cancel", passed)
    assert (ended.code, ended.out) == (0, f"Run {passed} had finished before; its result stands.\n")


def test_ctrl_c_ends_watching_not_the_run(house: House) -> None:
    slow = ("--agent", "command", "--command", "sleep 2", *LOCAL)
    run_id = house("run", "hello-world", *slow, "--detach").out.strip()
    watching = house.start("runs", "watch", run_id)
    await_line(watching, "agent at work")
    interrupt(watching)
    ended = end(watching)
    assert ended.code == 130
    assert "Traceback" not in ended.err
    assert f"no longer watching; run {run_id} goes on" in ended.err
    assert house("runs", "watch", run_id).code == 1


def test_a_diff_of_a_run_at_work_and_a_limit_beyond_all_measure(house: House) -> None:
    slow = ("--agent", "command", "--command", "sleep 300", *LOCAL, "--detach", "--run-id", "at-work")
    assert house("run", "hello-world", *slow).code == 0
    early = house("runs", "diff", "at-work")
    assert (early.code, early.out) == (2, "")
    assert early.sentence == "run 'at-work' has not ended; wait with `oneshot runs watch at-work`"
    assert house("runs", "cancel", "at-work").code == 0
    limit = house("runs", "list", "--limit", "5000000000")
    assert (limit.code, limit.out) == (2, "")

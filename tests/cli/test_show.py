"""What people see of a run."""

import os
import pty
import re
import subprocess

import pytest

from cli.harness import ONESHOT, House
from oneshot.grader.v1 import grader_pb2 as grader
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2
from oneshot_cli import show


def run(**grade: object) -> pb.Run:
    """An ended run."""
    request = pb.SubmitRunRequest(run_id="run-1", agent=pb.Agent(name="codex"), model="gpt-5.5", backend="docker")
    made = pb.Run(
        run_id="run-1",
        request=request,
        state=pb.RUN_STATE_FINISHED,
        submitted_at="2026-01-01T00:00:00.000Z",
        ended_at="2026-01-01T00:01:02.500Z",
    )
    if grade:
        made.grade.CopyFrom(grader.Grade(**grade))
    return made


def criterion(name: str, weight: float, score: float | None, note: str = "") -> grader.CriterionScore:
    return grader.CriterionScore(id=name, weight=weight, score=score, note=note)


def test_the_block_of_the_original() -> None:
    failed = run(
        verdict=grader.VERDICT_FAIL,
        reason="1 of 2 tests failed",
        criteria=[
            criterion("task_completion", 0.4, 0),
            criterion("code_quality", 0.3, 0.8),
            criterion("testing", 0.3, 1),
        ],
        total=0.54,
        scored_weight=1,
        tests=[grader.TestResult(id="t::a", outcome="failed"), grader.TestResult(id="t::b", outcome="passed")],
    )
    assert show.results(failed, "data/runs/run-1").splitlines() == [
        f"[results] {'-' * 40}",
        "[results] Verdict: FAIL: 1 of 2 tests failed",
        "[results] Rubric total score: 54%",
        "[results]  - task_completion: 0% (weight=0.4)",
        "[results]  - code_quality: 80% (weight=0.3)",
        "[results]  - testing: 100% (weight=0.3)",
        "[results] Unit tests: 1 passed, 1 failed",
        "[results]  - failed: t::a",
        "[results] Time: 62.5 s",
        "[results] Files: data/runs/run-1",
        f"[results] {'=' * 40}",
        "[cleanup] Removing container",
    ]
    assert "[cleanup]" not in show.results(failed, "x", cleaned=False)


def test_what_else_a_block_may_say() -> None:
    invalid = run(
        verdict=grader.VERDICT_INVALID,
        blame=grader.BLAME_INFRA,
        reason="the model API answered 500",
        criteria=[criterion("a", 0.4, 1), criterion("b", 0.6, None, "no judge model was asked")],
        total=1.0,
        scored_weight=0.4,
        findings=[grader.Finding(code="forged_report", detail="a canary passed")],
    )
    invalid.replayed, invalid.stopped_by = "tape", "token limit 10 reached"
    invalid.notes.append("the price is not known")
    invalid.alarms.append("1 of 2 calls could not be decoded")
    invalid.usage.CopyFrom(proxy_pb2.Usage(input_tokens=1000, output_tokens=234, cost_usd=0.01234))
    invalid.request.backend = "local"
    block = show.results(invalid, "x")
    for line in (
        "Verdict: INVALID (infra): the model API answered 500",
        "Model answers: replayed from cassette 'tape' (no model was called)",
        "Rubric total score: 100% (over 40% of the weight; the rest is unscored)",
        " - b: unscored, no judge model was asked (weight=0.6)",
        "Integrity: forged_report: a canary passed",
        "Alarm: 1 of 2 calls could not be decoded",
        "Note: token limit 10 reached",
        "Note: the price is not known",
        "Time: 62.5 s; replayed: 1,234 tokens, $0.0123",
    ):
        assert f"[results] {line}\n" in block
    assert block.endswith("[cleanup] Removing sandbox")


def test_no_verdict_and_no_score() -> None:
    block = show.results(run(reason="", criteria=[criterion("a", 1, None, "no judge")]), "x")
    assert "Verdict: none (the task has no tests)" in block
    assert "Rubric total score: unscored" in block
    cancelled = run()
    cancelled.state = pb.RUN_STATE_CANCELLED
    assert show.results(cancelled, "x") == "[results] Run run-1 was cancelled after 62.5 s; what there is: x"


def test_rows() -> None:
    passed = run(verdict=grader.VERDICT_PASS)
    assert re.fullmatch(r"run-1 +PASS +62\.5 s  docker  codex gpt-5\.5", show.row(passed))
    passed.alarms.append("1 of 2 calls could not be decoded")
    assert show.row(passed).endswith("codex gpt-5.5  alarm")
    running = run()
    running.state, running.ended_at, running.replayed = pb.RUN_STATE_RUNNING, "", "tape"
    assert re.fullmatch(r"run-1 +running +docker  codex gpt-5\.5 replayed", show.row(running))
    assert " scored " in show.row(run(reason="no tests"))


def test_what_an_agent_wrote_does_not_steer_the_terminal() -> None:
    hostile = run(verdict=grader.VERDICT_FAIL, reason="\x1b[8mhidden\x1b]0;", tests=[grader.TestResult(id="t\x9bm")])
    block = show.results(hostile, "x")
    assert "[results] Verdict: FAIL: \ufffd[8mhidden\ufffd]0;\n" in block
    assert "t\ufffdm" in block
    assert not set(block) & {"\x1b", "\x9b"}
    assert show.plain("a\tb\nc\r") == "a\tb\nc\ufffd"


def test_a_run_that_is_not_on_this_machine_names_no_files() -> None:
    assert "Files:" not in show.results(run(verdict=grader.VERDICT_PASS), "")


def test_money() -> None:
    assert show.money(proxy_pb2.Usage()) == ""
    assert show.money(proxy_pb2.Usage(input_tokens=5)) == "5 tokens, cost unknown"
    assert show.money(proxy_pb2.Usage(input_tokens=5, cost_usd=0)) == "5 tokens, $0.0000"


def test_progress_without_a_terminal_is_a_line_a_step(capsys: pytest.CaptureFixture[str]) -> None:
    events = [
        pb.RunEvent(time=1e9, step=pb.STEP_BUILD, phase=pb.PHASE_STARTED),
        pb.RunEvent(time=1e9 + 5, step=pb.STEP_BUILD, phase=pb.PHASE_PROGRESS, detail="pip install"),
        pb.RunEvent(time=1e9 + 6, step=pb.STEP_BUILD, phase=pb.PHASE_PROGRESS, detail="alarm: a call was lost"),
        pb.RunEvent(time=1e9 + 63.25, step=pb.STEP_BUILD, phase=pb.PHASE_FAILED, detail="no pip"),
    ]
    for quiet in (True, False):
        with show.Progress(quiet=quiet) as progress:
            for event in events:
                progress.event("run-1", event)
            progress.done("run-1")
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "[   0.0 s] run-1  building the environment",
        "[   6.0 s] run-1  alarm: a call was lost",
        "[  63.2 s] run-1  building the environment failed: no pip",
    ]


def test_progress_on_a_terminal_is_live_and_leaves_nothing(house: House) -> None:
    ours, theirs = pty.openpty()
    command = [ONESHOT, "run", "hello-world", "--agent", "command", "--command", "sleep 1", "--backend", "local"]
    process = subprocess.Popen(command, env=house.env | {"TERM": "xterm"}, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    out = process.communicate(timeout=30)[0]
    assert process.returncode == 1
    assert re.search(rb"\[ +\d\.\d s\] \S+hello-world\S+  agent at work: sleep 1", shown)
    assert shown.rstrip(b"\r\n").endswith(b"\x1b[2K"), "the last thing is that the live line was wiped"
    assert b"Verdict: FAIL" in out


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end was closed
        return b""

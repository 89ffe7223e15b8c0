"""What people see of a run: progress while it works, the results block at its end."""

import re
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from oneshot.grader.v1 import grader_pb2
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2

if TYPE_CHECKING:
    from rich.text import Text

_STEPS = {
    pb.STEP_QUEUE: "waiting for a slot",
    pb.STEP_BUILD: "building the environment",
    pb.STEP_SANDBOX: "making the sandbox",
    pb.STEP_AGENT: "agent at work",
    pb.STEP_COLLECT: "collecting its tree",
    pb.STEP_VERIFY: "verifying in a fresh sandbox",
    pb.STEP_SCORE: "scoring",
    pb.STEP_RECORD: "recording",
}


_ALARM = "alarm: "  # how the orchestrator begins the detail of such an event
_DRIFT_LINES = 3
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def plain(text: str) -> str:
    """Text for a terminal: what an agent wrote must not steer it."""
    return _CONTROL.sub("\ufffd", text)


def money(usage: proxy_pb2.Usage) -> str:
    """Tokens and cost so far, in a few words; empty before the first call."""
    tokens = usage.input_tokens + usage.output_tokens
    if not tokens:
        return ""
    cost = f"${usage.cost_usd:.4f}" if usage.HasField("cost_usd") else "cost unknown"
    return f"{tokens:,} tokens, {cost}"


class Progress:
    """Live on a terminal: one line a run. Elsewhere: one line a step."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._live = None
        self._first: dict[str, float] = {}
        self._begun: dict[str, float] = {}
        self._rows: dict[str, str] = {}
        self._quiet = quiet
        if sys.stderr.isatty() and not quiet:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                get_renderable=self._render, console=Console(stderr=True), refresh_per_second=8, transient=True
            )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def _render(self) -> "Text":
        from rich.text import Text

        now = time.monotonic()
        lines = [f"[{now - self._begun[run_id]:6.1f} s] {row}" for run_id, row in self._rows.items()]
        return Text("\n".join(lines or ["starting the stack"]), no_wrap=True, overflow="ellipsis")

    def event(self, run_id: str, event: pb.RunEvent) -> None:
        """Show an event. Time is counted from the run's first event, by the clock of whoever wrote it."""
        elapsed = event.time - self._first.setdefault(run_id, event.time)
        self._begun[run_id] = time.monotonic() - elapsed
        words = _STEPS.get(event.step, "")
        detail = f": {event.detail}" if event.detail else ""
        spent = money(event.usage)
        row = f"{run_id}  {words}{detail}" + (f"  ({spent})" if spent else "")
        self._rows[run_id] = plain(row.replace("\n", " "))
        if event.detail.startswith(_ALARM) and not self._quiet:
            self._tell(plain(f"[{elapsed:6.1f} s] {run_id}  {event.detail}"))
        elif not self._live and not self._quiet and event.phase in (pb.PHASE_STARTED, pb.PHASE_FAILED):
            failed = " failed" if event.phase == pb.PHASE_FAILED else ""
            self._tell(plain(f"[{elapsed:6.1f} s] {run_id}  {words}{failed}{detail}"))

    def _tell(self, line: str) -> None:
        """A line that stays, also above live ones."""
        if self._live:
            self._live.console.print(line, markup=False, highlight=False)
        else:
            print(line, file=sys.stderr, flush=True)

    def done(self, run_id: str) -> None:
        """Take an ended run's line away."""
        self._rows.pop(run_id, None)


def _seconds(run: pb.Run) -> float:
    from datetime import datetime

    begin, end = (datetime.fromisoformat(text) for text in (run.submitted_at, run.ended_at))
    return (end - begin).total_seconds()


HEADER = f"{'RUN':<44} {'VERDICT':<10} {'TIME':>9}  {'BACKEND':<7} AGENT, MODEL, USAGE"


def row(run: pb.Run) -> str:
    """A run in one line, below HEADER."""
    state = pb.RunState.Name(run.state).removeprefix("RUN_STATE_").lower()
    if run.HasField("grade"):
        state = grader_pb2.Verdict.Name(run.grade.verdict).removeprefix("VERDICT_") if run.grade.verdict else "scored"
    who = " ".join(filter(None, (run.request.agent.name, run.request.model, "replayed" if run.replayed else "")))
    seconds = f"{_seconds(run):7.1f} s" if run.ended_at else " " * 9
    usage = ", ".join(filter(None, (money(run.usage), "alarm" if run.alarms else "")))
    return f"{run.run_id:<44} {state:<10} {seconds}  {run.request.backend:<7} {who}  {usage}".rstrip()


def results(run: pb.Run, folder: str, *, cleaned: bool = True) -> str:
    """The block that a run ends with; `cleaned` adds the line about its sandbox, which is gone by then.

    `folder`: where the results are on this machine; empty where they are not.
    """
    if run.state == pb.RUN_STATE_CANCELLED:
        return f"[results] Run {run.run_id} was cancelled after {_seconds(run):.1f} s" + (
            f"; what there is: {folder}" if folder else ""
        )
    grade = run.grade
    lines = ["-" * 40, f"Verdict: {_verdict(grade)}"]
    if run.replayed:
        source = "run" if run.request.replay_run else "cassette"
        lines.append(f"Model answers: replayed from {source} {run.replayed!r} (no model was called)")
    lines += [f"Alarm: {alarm}" for alarm in run.alarms]
    lines += [f"Rubric total score: {_total(grade)}"] if grade.criteria else []
    lines += [_criterion(line) for line in grade.criteria]
    if grade.tests and grade.verdict != grader_pb2.VERDICT_INVALID:
        passed = sum(test.outcome == "passed" for test in grade.tests)
        lines.append(f"Unit tests: {passed} passed, {len(grade.tests) - passed} failed")
        lines += [f" - {test.outcome}: {test.id}" for test in grade.tests if test.outcome != "passed"]
    lines += [f"Integrity: {finding.code}: {finding.detail}" for finding in grade.findings]
    lines += [f"Note: {note}" for note in [run.stopped_by, *run.notes] if note]
    lines += _drift(run)
    spent, whose = money(run.usage), "model" if not run.replayed else "replayed"
    lines.append(f"Time: {_seconds(run):.1f} s" + (f"; {whose}: {spent}" if spent else ""))
    lines += [f"Files: {folder}"] if folder else []
    removed = "container" if run.request.backend == "docker" else "sandbox"
    block = [f"[results] {line}" for line in [*lines, "=" * 40]]
    return plain("\n".join([*block, f"[cleanup] Removing {removed}"] if cleaned else block))


def _drift(run: pb.Run) -> list[str]:
    """How many differences from the recording there were, and the first of them."""
    count = len(run.drift)
    if not count:
        return []
    more = [f" - and {count - _DRIFT_LINES} more, in run.json"] if count > _DRIFT_LINES else []
    counted = f"{count} difference{'s' if count > 1 else ''}"
    return [f"Drift from the recording: {counted}", *[f" - {line}" for line in run.drift[:_DRIFT_LINES]], *more]


def _verdict(grade: grader_pb2.Grade) -> str:
    if not grade.verdict:
        return "none (the task has no tests)"
    name = grader_pb2.Verdict.Name(grade.verdict).removeprefix("VERDICT_")
    if grade.verdict == grader_pb2.VERDICT_PASS:
        return name
    blame = f" ({grader_pb2.Blame.Name(grade.blame).removeprefix('BLAME_').lower()})" if grade.blame else ""
    return f"{name}{blame}: {grade.reason}"


def _total(grade: grader_pb2.Grade) -> str:
    if not grade.HasField("total"):
        return "unscored"
    over = (
        ""
        if grade.scored_weight > 1 - 1e-9
        else f" (over {grade.scored_weight:.0%} of the weight; the rest is unscored)"
    )
    return f"{grade.total:.0%}{over}"


def _criterion(line: grader_pb2.CriterionScore) -> str:
    score = f"{line.score:.0%}" if line.HasField("score") else f"unscored, {line.note}"
    return f" - {line.id}: {score} (weight={line.weight:g})"

"""A run's results as files: run.json, evaluation_results.json (for programs) and scoring_results.md (for people)."""

import json
from pathlib import Path

from google.protobuf.json_format import MessageToDict

from oneshot.grader.v1 import grader_pb2
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb

FOLDERS = ("logs", "artifacts", "trace")


def make_folders(folder: Path) -> None:
    """Make a run's folder."""
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)


def write(run: pb.Run, folder: Path) -> None:
    """Write the results of an ended run."""
    _json(folder / "run.json", MessageToDict(run, preserving_proto_field_name=True))
    if run.HasField("grade"):
        _json(folder / "evaluation_results.json", _evaluation(run))
        (folder / "scoring_results.md").write_text(_markdown(run), "utf-8")


def _json(file: Path, content: object) -> None:
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _evaluation(run: pb.Run) -> dict[str, object]:
    grade = run.grade
    return {
        "run_id": run.run_id,
        "task": run.task,
        "task_digest": run.request.task_digest,
        "agent": run.request.agent.name,
        "model": run.request.model or None,
        "replayed": run.replayed or None,
        "verdict": verdict(grade),
        "blame": grader_pb2.Blame.Name(grade.blame).removeprefix("BLAME_").lower() if grade.blame else None,
        "reason": grade.reason,
        "stopped_by": run.stopped_by or None,
        "alarms": list(run.alarms),
        "tests": [MessageToDict(test, preserving_proto_field_name=True) for test in grade.tests],
        "rubric": {
            "total": grade.total if grade.HasField("total") else None,
            "scored_weight": grade.scored_weight,
            "criteria": [
                {
                    "id": line.id,
                    "weight": line.weight,
                    "score": line.score if line.HasField("score") else None,
                    "decided_by": line.decided_by,
                    "note": line.note,
                }
                for line in grade.criteria
            ],
        },
        "findings": [MessageToDict(finding, preserving_proto_field_name=True) for finding in grade.findings],
        "usage": MessageToDict(run.usage, preserving_proto_field_name=True, always_print_fields_with_no_presence=True),
        "notes": list(run.notes),
        "drift": list(run.drift),
    }


def verdict(grade: grader_pb2.Grade) -> str | None:
    """PASS, FAIL, INVALID, or None for a task without tests."""
    return grader_pb2.Verdict.Name(grade.verdict).removeprefix("VERDICT_") if grade.verdict else None


def _markdown(run: pb.Run) -> str:
    grade = run.grade
    lines = [
        f"# {run.task}: {verdict(grade) or 'no verdict (the task has no tests)'}",
        "",
        f"{grade.reason}",
        "",
        f"- Run: `{run.run_id}`",
        f"- Agent: {run.request.agent.name}" + (f", model {run.request.model}" if run.request.model else ""),
        f"- Backend: {run.request.backend}",
        f"- Tokens: {run.usage.input_tokens} in ({run.usage.cached_tokens} cached), {run.usage.output_tokens} out",
    ]
    if run.replayed:
        source = "run" if run.request.replay_run else "the cassette"
        lines.append(f"- Replayed from {source} `{run.replayed}`: no model was called")
    lines += [f"- **Alarm**: {alarm}" for alarm in run.alarms]
    lines += [f"- {note}" for note in [run.stopped_by, *run.notes] if note]
    if run.drift:
        lines += ["", "## Drift from the recording", "", *[f"- {sentence}" for sentence in run.drift]]
    if grade.criteria:
        lines += ["", "## Rubric", "", "| criterion | weight | score | by | note |", "|---|---|---|---|---|"]
        lines += [
            f"| {c.id} | {c.weight:g} | {f'{c.score:.0%}' if c.HasField('score') else 'unscored'} | {c.decided_by} | {c.note} |"
            for c in grade.criteria
        ]
        total = f"{grade.total:.0%}" if grade.HasField("total") else "unscored"
        lines += ["", f"Total: {total} over a weight of {grade.scored_weight:g}"]
    if grade.tests:
        lines += ["", "## Tests", "", "| test | group | outcome |", "|---|---|---|"]
        lines += [f"| `{test.id}` | {test.group} | {test.outcome} |" for test in grade.tests]
    if grade.findings:
        lines += ["", "## Integrity findings", "", *[f"- **{f.code}**: {f.detail}" for f in grade.findings]]
    return "\n".join(lines) + "\n"

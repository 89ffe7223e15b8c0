"""A run's results as files."""

import json
from pathlib import Path

from oneshot.grader.v1 import grader_pb2
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2
from oneshot_orchestrator import record

GRADE = grader_pb2.Grade(
    verdict=grader_pb2.VERDICT_FAIL,
    reason="One test failed.",
    tests=[grader_pb2.TestResult(id="t.py::a", group="fail_to_pass", outcome="failed")],
    criteria=[
        grader_pb2.CriterionScore(id="done", weight=0.4, score=0.0, decided_by="tests"),
        grader_pb2.CriterionScore(id="style", weight=0.6, decided_by="judge", note="no judge yet"),
    ],
    total=0.0,
    scored_weight=0.4,
    findings=[grader_pb2.Finding(code="canary_passed", detail="A canary passed.")],
)
RUN = pb.Run(
    run_id="r",
    task="hello",
    request=pb.SubmitRunRequest(agent=pb.Agent(name="codex"), model="gpt-5.5", backend="local", task_digest="sha256:x"),
    state=pb.RUN_STATE_FINISHED,
    grade=GRADE,
    usage=proxy_pb2.Usage(input_tokens=10, output_tokens=2),
    stopped_by="token limit 10 reached (12)",
    replayed="hello",
    notes=["a note"],
    alarms=["the agent says that it used 9 input tokens (recorded: 8)"],
)


def test_a_graded_run(tmp_path: Path) -> None:
    record.make_folders(tmp_path / "r")
    record.write(RUN, tmp_path / "r")
    found = json.loads((tmp_path / "r" / "evaluation_results.json").read_text())
    assert (found["verdict"], found["blame"], found["replayed"]) == ("FAIL", None, "hello")
    assert [line["score"] for line in found["rubric"]["criteria"]] == [0.0, None]  # unscored is no zero
    assert (found["rubric"]["total"], found["rubric"]["scored_weight"]) == (0.0, 0.4)
    counts = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
    assert found["usage"] == dict.fromkeys(counts, "0") | {"input_tokens": "10", "output_tokens": "2"}
    text = (tmp_path / "r" / "scoring_results.md").read_text()
    for words in (
        "# hello: FAIL",
        "Replayed from the cassette `hello`: no model was called",
        "- token limit 10 reached (12)",
        "- **Alarm**: the agent says that it used 9 input tokens (recorded: 8)",
        "| style | 0.6 | unscored | judge | no judge yet |",
        "Total: 0% over a weight of 0.4",
        "| `t.py::a` | fail_to_pass | failed |",
        "- **canary_passed**: A canary passed.",
    ):
        assert words in text
    kept = json.loads((tmp_path / "r" / "run.json").read_text())
    assert (kept["run_id"], kept["alarms"], found["alarms"]) == ("r", list(RUN.alarms), list(RUN.alarms))
    assert sorted(p.name for p in (tmp_path / "r").iterdir() if p.is_dir()) == ["artifacts", "logs", "trace"]


def test_a_score_without_a_verdict(tmp_path: Path) -> None:
    run = pb.Run(run_id="r", task="hello", grade=grader_pb2.Grade(reason="No tests."))
    record.write(run, tmp_path)
    assert json.loads((tmp_path / "evaluation_results.json").read_text())["verdict"] is None
    assert "# hello: no verdict (the task has no tests)" in (tmp_path / "scoring_results.md").read_text()
    assert record.verdict(grader_pb2.Grade(verdict=grader_pb2.VERDICT_INVALID)) == "INVALID"


def test_a_cancelled_run_has_no_results(tmp_path: Path) -> None:
    record.write(pb.Run(run_id="r", state=pb.RUN_STATE_CANCELLED), tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]

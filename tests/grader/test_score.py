"""Score over reports as the runner writes them; real ones come from test_grade.py and the docker test."""

import json

import pytest

from grader.workshop import EXPECTED
from oneshot.grader.v1 import grader_pb2 as pb
from oneshot_grader.plan import plan
from oneshot_grader.score import score
from oneshot_shared.errors import BadInput

ADD, NAME = "tests/test_add.py::test_add", "tests/test_calc.py::test_name"
PLAN = plan(json.dumps(EXPECTED).encode(), 7, True)
CANARIES = [canary["id"] for canary in json.loads(PLAN.files["plan.json"])["canaries"]]
RUBRIC = b"""
[[criterion]]
id = "completion"
weight = 0.6
description = "It adds."
decided_by = "tests"
tests = ["fail_to_pass"]

[[criterion]]
id = "quality"
weight = 0.4
description = "It is well made."
decided_by = "judge"
"""
PASSED = {ADD: "passed", NAME: "passed"}
FAILED = {ADD: "failed", NAME: "passed"}


def rows(results: dict, canaries: str = "failed", status: int | None = 1) -> list[dict]:
    results = results | dict.fromkeys(CANARIES, canaries)
    lines = [{"when": "start", "pytest": "9"}, {"when": "collected", "ids": list(results)}]
    lines += [{"when": "call", "id": name, "outcome": result, "detail": ""} for name, result in results.items()]
    return lines + ([] if status is None else [{"when": "finish", "exit_status": status}])


def report(lines: list[dict], subject: pb.Subject = pb.SUBJECT_SOLUTION, **changes: object) -> pb.Report:
    document = {
        "rows": lines,
        "timed_out": False,
        "exit_code": 1,
        "build_failures": [],
        "output": "",
        "isolated": True,
    } | changes
    return pb.Report(subject=subject, output=json.dumps(document).encode())


def nothing(subject: pb.Subject = pb.SUBJECT_SOLUTION) -> pb.Report:
    return pb.Report(subject=subject, output=b"Traceback", exit_code=1)


def ask(*reports: pb.Report, rubric: bytes = RUBRIC, **evidence: object) -> pb.ScoreResponse:
    return score(pb.ScoreRequest(plan=PLAN, reports=reports, rubric=rubric, evidence=pb.Evidence(**evidence)))


def grade(*reports: pb.Report, **evidence: object) -> pb.Grade:
    answer = ask(*reports, **evidence)
    assert answer.HasField("grade")
    return answer.grade


def codes(given: pb.Grade) -> list[str]:
    return sorted({finding.code for finding in given.findings})


def test_pass() -> None:
    given = grade(report(rows(PASSED)), exit_code=1)
    assert (given.verdict, given.blame, codes(given)) == (pb.VERDICT_PASS, 0, [])
    assert [(test.id, test.group, test.outcome) for test in given.tests] == [
        (ADD, "fail_to_pass", "passed"),
        (NAME, "pass_to_pass", "passed"),
    ]
    assert (given.total, given.scored_weight) == (1, pytest.approx(0.6))
    assert given.criteria[1].note == "no judge model was asked"


def test_fail() -> None:
    given = grade(report(rows(FAILED)), stopped_by="the time limit of 5 s")
    assert (given.verdict, given.total, codes(given)) == (pb.VERDICT_FAIL, 0, [])
    assert given.reason == (
        "1 of 2 expected tests did not pass: tests/test_add.py::test_add (failed). "
        "The agent was stopped: the time limit of 5 s."
    )


def test_other_tests_do_not_matter() -> None:
    assert grade(report(rows(PASSED | {"tests/test_calc.py::test_more": "failed"}))).verdict == pb.VERDICT_PASS


def test_a_task_without_tests_has_no_verdict() -> None:
    given = score(pb.ScoreRequest(rubric=RUBRIC, evidence=pb.Evidence(exit_code=0))).grade
    assert (given.verdict, given.HasField("total"), given.scored_weight) == (pb.VERDICT_UNSPECIFIED, False, 0)
    assert given.criteria[0].note == "the task has no tests"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (rows(PASSED, canaries="passed", status=0), "canary_passed"),
        (rows(PASSED, canaries="passed", status=None), "canary_passed"),
        (rows(PASSED, canaries="xpassed"), "canary_passed"),
        (rows(PASSED, canaries="skipped"), "canary_missing"),
        (rows(PASSED, canaries="error"), "canary_missing"),
        (rows(PASSED, status=0), "contradictory"),
        ([*rows(PASSED), {"when": "call", "id": ADD, "outcome": "passed"}], "contradictory"),
        ([*rows(PASSED), *rows(PASSED)], "contradictory"),
        ([{"when": "malformed"}, *rows(PASSED)], "contradictory"),
        ([row for row in rows(PASSED) if row.get("when") != "collected"], "contradictory"),
        ([row for row in rows(PASSED) if row.get("id") != NAME], "contradictory"),
        ([rows(PASSED)[2], *rows(PASSED)], "duplicate_result"),
    ],
)
def test_forged_reports_fail_and_score_nothing(lines: list, code: str) -> None:
    given = grade(report(lines), upstream_failure="429")
    assert given.verdict == pb.VERDICT_FAIL
    assert code in codes(given)
    assert not given.HasField("total")
    assert given.criteria[0].note == "the report cannot be trusted"


def test_a_solution_that_breaks_everything_is_no_forgery() -> None:
    names = [ADD, NAME, *CANARIES]
    lines = [
        {"when": "collected", "ids": []},
        {"when": "collect", "id": "tests", "outcome": "failed", "detail": "boom"},
    ]
    given = grade(report([*lines, {"when": "finish", "exit_status": 1}]))
    assert (given.verdict, codes(given), given.total) == (pb.VERDICT_FAIL, [], 0)
    assert {(test.outcome, test.detail) for test in given.tests} == {("error", "boom")}
    errors = [{"when": "setup", "id": name, "outcome": "error", "detail": "boom"} for name in names]
    lines = [{"when": "collected", "ids": names}, *errors, {"when": "finish", "exit_status": 1}]
    assert codes(grade(report(lines))) == []


@pytest.mark.parametrize(
    "solution",
    [
        report(rows(PASSED, status=None)),
        report(rows(PASSED, status=3)),
        report([]),
        report(rows(PASSED), timed_out=True),
        report([], build_failures=[{"argv": ["make"], "exit_code": 2, "tail": "a\nno rule.", "timed_out": False}]),
        nothing(),
        pb.Report(subject=pb.SUBJECT_SOLUTION, output=b"", timed_out=True),
    ],
)
def test_an_incomplete_report_asks_for_controls(solution: pb.Report) -> None:
    assert list(ask(solution).further.subjects) == [pb.SUBJECT_ORACLE, pb.SUBJECT_NOP]
    oracle, nop = report(rows(PASSED), pb.SUBJECT_ORACLE), report(rows(FAILED), pb.SUBJECT_NOP)
    given = grade(solution, oracle, nop)
    assert (given.verdict, codes(given)) == (pb.VERDICT_FAIL, ["report_incomplete"])
    bad = grade(solution, report(rows(FAILED), pb.SUBJECT_ORACLE), nop)
    assert (bad.verdict, bad.blame) == (pb.VERDICT_INVALID, pb.BLAME_TASK)
    assert not bad.HasField("total")
    weak = grade(solution, oracle, report(rows(PASSED), pb.SUBJECT_NOP))
    assert (weak.verdict, weak.blame) == (pb.VERDICT_INVALID, pb.BLAME_TASK)


def test_no_report_from_anybody_is_ours() -> None:
    given = grade(nothing(), nothing(pb.SUBJECT_ORACLE), nothing(pb.SUBJECT_NOP))
    assert (given.verdict, given.blame) == (pb.VERDICT_INVALID, pb.BLAME_INFRA)
    no_pytest = [report([], subject, output="No module named 'pytest'\n") for subject in (1, 2, 3)]
    given = grade(*no_pytest)
    assert (given.verdict, given.blame) == (pb.VERDICT_INVALID, pb.BLAME_TASK)
    assert "No module named 'pytest'" in given.reason


def test_an_agent_that_never_worked_is_invalid() -> None:
    given = grade(needs_model=True, last_words="Error:\n  no route\n", exit_code=1)
    assert (given.verdict, given.blame, given.HasField("total")) == (pb.VERDICT_INVALID, pb.BLAME_INFRA, False)
    assert given.reason == "The agent never worked, as no model call succeeded: its last words: Error: no route."
    assert {test.outcome for test in given.tests} == {"missing"}
    assert "503" in grade(report(rows(FAILED)), needs_model=True, upstream_failure="503 from the API").reason
    worked = grade(report(rows(FAILED)), needs_model=True, commands_succeeded=1)
    assert worked.verdict == pb.VERDICT_FAIL


def test_an_upstream_failure_excuses_what_did_not_pass() -> None:
    failure = {"model_calls_succeeded": 2, "upstream_failure": "the API answered 503", "broke_off": True}
    given = grade(report(rows(FAILED)), needs_model=True, **failure)
    assert (given.verdict, given.blame) == (pb.VERDICT_INVALID, pb.BLAME_INFRA)
    assert grade(report(rows(PASSED)), **failure).verdict == pb.VERDICT_PASS


@pytest.mark.parametrize("ended", [{"exit_code": 0}, {"exit_code": 137}, {"stopped_by": "time limit 5 s reached"}])
def test_a_failed_call_that_the_agent_did_not_give_up_for_excuses_nothing(ended: dict) -> None:
    given = grade(report(rows(FAILED)), needs_model=True, model_calls_succeeded=2, upstream_failure="429", **ended)
    assert given.verdict == pb.VERDICT_FAIL
    assert ("Its last model call failed, but it did not give up for that: 429." in given.reason) == (
        "stopped_by" not in ended
    )


ALARMS = ["the agent says that it used 9 input tokens (recorded: 8)", "1 of 2 calls could not be decoded"]


def test_with_an_alarm_a_pass_is_invalid_by_our_fault() -> None:
    given = grade(report(rows(PASSED)), alarms=ALARMS)
    assert (given.verdict, given.blame, given.HasField("total")) == (pb.VERDICT_INVALID, pb.BLAME_INFRA, False)
    assert given.reason == (
        "The tests passed, but the record of the model calls does not hold: the agent says that it used 9 input tokens "
        "(recorded: 8). There is 1 more alarm."
    )


def test_no_alarm_that_an_agent_may_provoke_saves_it_from_a_fail() -> None:
    assert grade(report(rows(FAILED)), alarms=ALARMS).verdict == pb.VERDICT_FAIL
    forged = grade(report(rows(PASSED, canaries="passed", status=0)), alarms=ALARMS)
    assert (forged.verdict, "canary_passed" in codes(forged)) == (pb.VERDICT_FAIL, True)
    broken = [report(rows(PASSED, status=None)), report(rows(PASSED), pb.SUBJECT_ORACLE)]
    assert grade(*broken, report(rows(FAILED), pb.SUBJECT_NOP), alarms=ALARMS).verdict == pb.VERDICT_FAIL


def test_a_task_without_tests_keeps_its_score_with_an_alarm() -> None:
    given = score(pb.ScoreRequest(rubric=RUBRIC, evidence=pb.Evidence(alarms=ALARMS))).grade
    assert given.verdict == pb.VERDICT_UNSPECIFIED


def test_what_a_test_reports_cannot_break_the_answer() -> None:
    lines = rows(FAILED)
    lines[2]["detail"] = "\ud800" + "é" * 10_000
    given = grade(report(lines))
    assert given.verdict == pb.VERDICT_FAIL
    assert 4000 < len(given.tests[0].detail.encode()) <= 4096
    for output in (b"[]", b"{}", b'{"rows": [1]}', b"\xff", b"[" * 100_000):
        assert ask(pb.Report(subject=pb.SUBJECT_SOLUTION, output=output)).HasField("further")


def test_bad_input() -> None:
    with pytest.raises(BadInput, match="none of SUBJECT_SOLUTION"):
        ask(report(rows(PASSED), pb.SUBJECT_ORACLE))
    with pytest.raises(BadInput, match="no subject"):
        ask(report(rows(PASSED), pb.SUBJECT_UNSPECIFIED))
    with pytest.raises(BadInput, match="did you mean 'fail_to_pass'"):
        ask(report(rows(PASSED)), rubric=RUBRIC.replace(b'"fail_to_pass"', b'"fail_to_pas"'))
    with pytest.raises(BadInput, match=r"plan\.json"):
        score(pb.ScoreRequest(plan=pb.VerificationPlan(), reports=[report(rows(PASSED))]))


@pytest.mark.parametrize(("isolated", "verdict"), [(True, pb.VERDICT_PASS), (False, pb.VERDICT_INVALID)])
def test_a_plan_that_demands_isolation_proves_nothing_without(isolated: bool, verdict: pb.Verdict) -> None:
    given = grade(report(rows(PASSED), isolated=isolated))
    assert given.verdict == verdict
    assert (given.blame == pb.BLAME_TASK) is not isolated


@pytest.mark.parametrize("row", [{"id": []}, {"ids": "x"}, {"exit_status": "0"}, {"detail": {}}, 5])
def test_rows_of_another_shape_are_no_report(row: object) -> None:
    assert ask(report([*rows(PASSED), row])).HasField("further")


def test_a_plan_without_tests_is_refused() -> None:
    with pytest.raises(BadInput, match=r"plan\.json"):
        score(pb.ScoreRequest(plan=pb.VerificationPlan(files={"plan.json": b"{}"}), reports=[report(rows(PASSED))]))

"""Score: turns reports into a grade, or asks for controls. Pure: the same request gives the same answer.

INVALID must not be for sale: an agent that cannot do a task would else buy it in the place of a FAIL, by whatever it can provoke
alone. It holds the run token, so it can send the proxy odd calls, and calls that fail upstream; in its sandbox it can kill and
disturb its own programs. Hence two rules:

- An alarm about the recording of model calls turns a PASS into INVALID, never a FAIL. A PASS says that this model did it in one
  shot, which rests on the record; a FAIL says that the tree does not do it, which the tests prove whoever made it.
- A failure of the upstream excuses what did not pass only where the agent itself gave up with an error, as agents do when their own
  calls fail. One that ended as if all were well, was stopped at a limit or was killed did not fail for the failed call.

What the agent cannot provoke, such as a proxy that was restarted, comes as a failure of the upstream that ended its work.
"""

from oneshot.grader.v1 import grader_pb2
from oneshot_grader import rubric
from oneshot_grader.reading import Reading, Wanted, read, wanted
from oneshot_shared.errors import BadInput
from oneshot_shared.strict import parse
from oneshot_shared.task import Rubric

_SOLUTION, _ORACLE, _NOP = grader_pb2.SUBJECT_SOLUTION, grader_pb2.SUBJECT_ORACLE, grader_pb2.SUBJECT_NOP
UNTRUSTED = "the report cannot be trusted"
_LAST_WORDS = 300
_NOT_ISOLATED = (
    "The tests were not run, as they would have had to run as their own supervisor: in the task's image another user must "
    "be able to read the tree and to run Python."
)


def score(request: grader_pb2.ScoreRequest) -> grader_pb2.ScoreResponse:
    """The grade of a run, or the controls that it needs.

    :raises BadInput: the rubric does not fit the tests, a report has no subject, or the solution's is not there.
    """
    lines = parse(Rubric, request.rubric, "oneshot/rubric.toml") if request.rubric else None
    tests = wanted(request.plan) if request.HasField("plan") else None
    if lines and tests:
        rubric.check(lines, tests.groups)
    readings = _readings(request, tests)
    grade = _Grader(lines, tests, readings.get(_SOLUTION))
    if why := _never_worked(request.evidence):
        return _final(grade.invalid(grader_pb2.BLAME_INFRA, why))
    if tests is None:
        return _final(grade.without_tests())
    if grade.solution is None:
        raise BadInput("reports hold none of SUBJECT_SOLUTION; verify the solution's tree and send its report")
    if settled := _settled(grade, grade.solution, request.evidence):
        return _final(settled)
    if _ORACLE not in readings:
        return grader_pb2.ScoreResponse(further=grader_pb2.FurtherPlan(subjects=[_ORACLE, _NOP]))
    return _final(_by_controls(grade, readings, request.evidence))


def _settled(grade: "_Grader", solution: Reading, evidence: grader_pb2.Evidence) -> grader_pb2.Grade | None:
    """The grade where the solution's own report decides it; None where controls must be asked."""
    if solution.unisolated:
        return grade.invalid(grader_pb2.BLAME_TASK, _NOT_ISOLATED)
    if solution.passed:
        return grade.unproven(evidence) if evidence.alarms else grade.passed()
    if solution.findings:
        return grade.failed(evidence)
    if evidence.upstream_failure and evidence.broke_off:
        why = f"The agent could not finish: {_ended(evidence.upstream_failure)}"
        return grade.invalid(grader_pb2.BLAME_INFRA, why)
    return grade.failed(evidence) if solution.complete else None


def _readings(request: grader_pb2.ScoreRequest, tests: Wanted | None) -> dict[int, Reading]:
    if tests is None:
        return {}
    if any(report.subject == grader_pb2.SUBJECT_UNSPECIFIED for report in request.reports):
        raise BadInput("a report has no subject; say whose tree it is: SUBJECT_SOLUTION, SUBJECT_ORACLE or SUBJECT_NOP")
    return {report.subject: read(report, tests) for report in request.reports}


def _final(grade: grader_pb2.Grade) -> grader_pb2.ScoreResponse:
    return grader_pb2.ScoreResponse(grade=grade)


def _never_worked(evidence: grader_pb2.Evidence) -> str:
    if not evidence.needs_model or evidence.model_calls_succeeded or evidence.commands_succeeded:
        return ""
    words = " ".join(evidence.last_words.split())[-_LAST_WORDS:]
    ended = f"its last words: {words}" if words else f"exit code {evidence.exit_code}"
    why = evidence.upstream_failure or evidence.stopped_by or ended
    return f"The agent never worked, as no model call succeeded: {_ended(why)}"


def _ended(sentence: str) -> str:
    return sentence.rstrip(". ") + "."


def _by_controls(grade: "_Grader", readings: dict[int, Reading], evidence: grader_pb2.Evidence) -> grader_pb2.Grade:
    """The solution's report is not whole: whether that is its own fault shows on the reference and the base."""
    assert grade.solution
    oracle, nop = readings[_ORACLE], readings.get(_NOP)
    if not oracle.started and not grade.solution.started:
        why = f"The runner reports neither on the solution nor on the reference: {_ended(oracle.trouble)}"
        return grade.invalid(grader_pb2.BLAME_INFRA, why)
    if not oracle.passed:
        why = f"The reference solution does not pass here either: {_ended(oracle.trouble)}"
        return grade.invalid(grader_pb2.BLAME_TASK, why)
    if nop and nop.passed:
        return grade.invalid(grader_pb2.BLAME_TASK, "The tests pass on the base as it is, so they cannot tell.")
    incomplete = f"{_ended(grade.solution.trouble)} With the reference solution the same tests ran to their end."
    return grade.failed(evidence, [grader_pb2.Finding(code="report_incomplete", detail=incomplete)])


class _Grader:
    """Makes grades of one solution."""

    def __init__(self, lines: Rubric | None, tests: Wanted | None, solution: Reading | None) -> None:
        self.lines = lines
        self.tests = tests
        self.solution = solution

    def without_tests(self) -> grader_pb2.Grade:
        """A score and no verdict."""
        criteria = rubric.unscored(self.lines, "the task has no tests") if self.lines else []
        return self._grade(grader_pb2.VERDICT_UNSPECIFIED, "The task has no tests, so there is no verdict.", criteria)

    def passed(self) -> grader_pb2.Grade:
        """PASS."""
        assert self.tests
        reason = (
            f"All {len(self.tests.names)} expected tests passed, and the {len(self.tests.canaries)} canaries failed."
        )
        return self._grade(grader_pb2.VERDICT_PASS, reason, self._criteria())

    def unproven(self, evidence: grader_pb2.Evidence) -> grader_pb2.Grade:
        """INVALID: the tests passed, and the record does not prove whose work that is."""
        first, *others = evidence.alarms
        more = (
            f" There {'are' if others[1:] else 'is'} {len(others)} more alarm{'s' if others[1:] else ''}."
            if others
            else ""
        )
        why = f"The tests passed, but the record of the model calls does not hold: {_ended(first)}{more}"
        return self.invalid(grader_pb2.BLAME_INFRA, why)

    def failed(self, evidence: grader_pb2.Evidence, more: list[grader_pb2.Finding] | None = None) -> grader_pb2.Grade:
        """FAIL. Findings of the report itself make its results worthless."""
        assert self.solution
        findings = [*self.solution.findings, *(more or [])]
        reason = findings[0].detail if findings else self.solution.trouble
        if evidence.stopped_by:
            reason = f"{_ended(reason)} The agent was stopped: {evidence.stopped_by}"
        elif evidence.upstream_failure and not evidence.broke_off:
            reason = f"{_ended(reason)} Its last model call failed, but it did not give up for that: {evidence.upstream_failure}"
        criteria = self._criteria(UNTRUSTED if self.solution.findings else "")
        return self._grade(grader_pb2.VERDICT_FAIL, _ended(reason), criteria, findings)

    def invalid(self, blame: grader_pb2.Blame, reason: str) -> grader_pb2.Grade:
        """INVALID: nothing is scored."""
        criteria = rubric.unscored(self.lines, "the run is invalid") if self.lines else []
        grade = self._grade(grader_pb2.VERDICT_INVALID, reason, criteria)
        grade.blame = blame
        return grade

    def _criteria(self, untrusted: str = "") -> list[grader_pb2.CriterionScore]:
        assert self.tests
        assert self.solution
        passed = {test.id for test in self.solution.tests if test.outcome == "passed"}
        return rubric.score(self.lines, self.tests.groups, passed, untrusted) if self.lines else []

    def _grade(
        self,
        verdict: grader_pb2.Verdict,
        reason: str,
        criteria: list[grader_pb2.CriterionScore],
        findings: list[grader_pb2.Finding] | None = None,
    ) -> grader_pb2.Grade:
        total, weight = rubric.total(criteria)
        tests = self.solution.tests if self.solution else self.tests.missing() if self.tests else []
        grade = grader_pb2.Grade(
            verdict=verdict, reason=reason, tests=tests, criteria=criteria, scored_weight=weight, findings=findings
        )
        if total is not None:
            grade.total = total
        return grade

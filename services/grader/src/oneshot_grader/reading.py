"""Reports and plans, read: what a verification's JSON document says about the expected tests. A report cannot make it raise."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel, StrictInt

from oneshot.grader.v1 import grader_pb2
from oneshot_grader import grade_verdict
from oneshot_grader.plan import PLAN_FILE
from oneshot_shared.errors import BadInput

_DETAIL_BYTES, _SENTENCE_CHARS = 4096, 500


@dataclass(frozen=True)
class Wanted:
    """What a plan expects."""

    plan: dict[str, Any]

    @cached_property
    def groups(self) -> Mapping[str, list[str]]:
        """Test ids by group."""
        return {group: list(self.plan[group]) for group in ("fail_to_pass", "pass_to_pass")}

    @property
    def names(self) -> dict[str, str]:
        """Each expected test with its group."""
        return {name: group for group, names in self.groups.items() for name in names}

    @property
    def canaries(self) -> list[str]:
        """The ids of the tests that must fail."""
        return [canary["id"] for canary in self.plan["canaries"]]

    def missing(self) -> list[grader_pb2.TestResult]:
        """The results without any report."""
        return [grader_pb2.TestResult(id=name, group=group, outcome="missing") for name, group in self.names.items()]


@dataclass(frozen=True)
class Reading:
    """One report. `started`: the runner printed a document. `trouble`: a sentence on why it does not pass; empty when it does.
    `unisolated`: the plan demanded another user for the tests than their supervisor, and there was none.
    """

    passed: bool
    complete: bool
    started: bool
    tests: list[grader_pb2.TestResult]
    findings: list[grader_pb2.Finding]
    trouble: str
    unisolated: bool = False


class _Build(BaseModel):
    argv: list[str]
    exit_code: int
    tail: str = ""


class _Row(BaseModel):
    when: str = ""
    id: str = ""
    ids: list[str] = []
    outcome: str = ""
    detail: str = ""
    exit_status: StrictInt = -1


class _Document(BaseModel):
    rows: list[_Row]
    timed_out: bool
    exit_code: int
    build_failures: list[_Build]
    isolated: bool
    output: str = ""


def wanted(plan: grader_pb2.VerificationPlan) -> Wanted:
    """The expectations of a plan. :raises BadInput: it is none of ours."""
    try:
        found = Wanted(json.loads(plan.files[PLAN_FILE]))
        _ = found.names, found.canaries, found.plan["isolate"]
        return found  # noqa: TRY300 -- only a plan that holds all of it
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"the plan holds no readable {PLAN_FILE}; send back what Plan returned, unchanged") from None


def read(report: grader_pb2.Report, tests: Wanted) -> Reading:
    """What a report says; one that cannot be read says nothing."""
    try:
        document = _Document.model_validate(json.loads(report.output))
    except (ValueError, RecursionError):  # ValidationError is a ValueError
        trouble = "it was killed at its time limit" if report.timed_out else f"exit code {report.exit_code}"
        return Reading(False, False, False, tests.missing(), [], f"The runner printed no report ({trouble}).")
    raw = document.model_dump(exclude_unset=True)
    raw.setdefault("output", "")
    raw["timed_out"] |= report.timed_out
    judged = grade_verdict.judge(raw, tests.plan)
    results = [
        grader_pb2.TestResult(id=name, group=tests.names[name], outcome=outcome, detail=_clean(detail))
        for name, (outcome, detail) in judged["tests"].items()
    ]
    findings = [
        grader_pb2.Finding(code=code, detail=_clean(detail)[:_SENTENCE_CHARS]) for code, detail in judged["findings"]
    ]
    trouble = "" if judged["passed"] else _trouble(raw, judged["complete"], results)
    return Reading(
        judged["passed"],
        judged["complete"],
        True,
        results,
        findings,
        _clean(trouble)[:_SENTENCE_CHARS],
        bool(tests.plan["isolate"]) and not document.isolated,
    )


def _trouble(raw: dict[str, Any], complete: bool, results: list[grader_pb2.TestResult]) -> str:
    bad = [test for test in results if test.outcome != "passed"]
    if complete and bad:
        return f"{len(bad)} of {len(results)} expected tests did not pass: {bad[0].id} ({bad[0].outcome})."
    if raw["timed_out"]:
        return "The tests did not end within their time limit."
    if raw["build_failures"]:
        failure = raw["build_failures"][0]
        return f"The build command {' '.join(failure['argv'])} failed: {_last_line(failure['tail'])}."
    if complete:
        return "The canaries did not fail."
    return f"The test session did not run to its end (exit code {raw['exit_code']}): {_last_line(raw['output'])}."


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip().rstrip(".") if lines else "it printed nothing"


def _clean(text: str) -> str:
    """Text that a message can hold, its last 4 kB: test processes may report half characters."""
    return text.encode("utf-8", "replace")[-_DETAIL_BYTES:].decode("utf-8", "ignore")

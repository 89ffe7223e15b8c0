"""Plans and judgement, as the script in Harbor and the service share them; whole runs are in test_grade.py."""

import pytest

from grader.workshop import EXPECTED
from oneshot_grader import grade_verdict

PLAN = grade_verdict.make_plan(EXPECTED, 7, isolate=False)
NAMES = EXPECTED["fail_to_pass"] + EXPECTED["pass_to_pass"]
CANARIES = [canary["id"] for canary in PLAN["canaries"]]


def report(outcomes: dict[str, str], *, status: int | None = 1, **changes: object) -> dict:
    rows = [{"when": "collected", "ids": list(outcomes)}]
    rows += [{"when": "call", "id": name, "outcome": outcome} for name, outcome in outcomes.items()]
    rows += [] if status is None else [{"when": "finish", "exit_status": status}]
    return {"rows": rows, "timed_out": False, "build_failures": []} | changes


GOOD = dict.fromkeys(NAMES, "passed") | dict.fromkeys(CANARIES, "failed")


def test_a_whole_report_passes() -> None:
    judged = grade_verdict.judge(report(GOOD), PLAN)
    assert (judged["passed"], judged["complete"], judged["findings"]) == (True, True, [])


@pytest.mark.parametrize("outcome", ["failed", "skipped", "xfailed", "xpassed", "error"])
def test_anything_but_passed_is_no_pass(outcome: str) -> None:
    assert not grade_verdict.judge(report(GOOD | {NAMES[0]: outcome}), PLAN)["passed"]


@pytest.mark.parametrize(
    "broken",
    [
        report(GOOD, status=None),
        report(GOOD, status=2),
        report(GOOD, timed_out=True),
        report(GOOD, build_failures=[{}]),
        report({name: GOOD[name] for name in NAMES}),
        report(GOOD | {CANARIES[0]: "passed"}),
    ],
)
def test_what_is_not_whole_or_contradicts_is_no_pass(broken: dict) -> None:
    assert not grade_verdict.judge(broken, PLAN)["passed"]


def test_canaries_are_named_like_the_tasks_own_tests_and_never_in_their_place() -> None:
    for seed in range(200):
        plan = grade_verdict.make_plan(EXPECTED, seed, isolate=True)
        paths = [canary["path"] for canary in plan["canaries"]]
        assert len({*paths, *(name.split("::")[0] for name in NAMES)}) == len(paths) + 2
        assert all(path.startswith("tests/test_") for path in paths)

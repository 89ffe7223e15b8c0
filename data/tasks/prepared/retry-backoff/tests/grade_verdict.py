"""What to run, and what the report of it means: pure functions, used by grade.py in Harbor and by the grader's Plan and Score.

Standard library only, Python 3.9+: this file is part of every task (tests/grade_verdict.py) and of every plan.
"""

from __future__ import annotations

import posixpath
import random
import re
from collections.abc import Iterator
from typing import Any

CANARIES = 2  # tests that must fail: whoever forges results betrays himself by them
TEST_PHASES = ("setup", "call", "teardown", "subtest")
WORDS = [
    "again",
    "basic",
    "case",
    "default",
    "edge",
    "empty",
    "first",
    "keeps",
    "last",
    "many",
    "none",
    "order",
    "other",
    "plain",
    "simple",
    "value",
]


def make_plan(expected: dict[str, Any], seed: int, isolate: bool) -> dict[str, Any]:
    """What to run, from tests/expected.json (a dict): the same seed gives the same plan.

    `isolate`: refuse to run anything unless solution code runs as another user than its supervisor.
    """
    rng = random.Random(seed)
    defaults = {"pass_to_pass": [], "test_roots": ["tests"], "python_path": [], "build": [], "timeout_sec": 300}
    plan = {**defaults, **expected, "isolate": isolate}
    names, canaries = plan["fail_to_pass"] + plan["pass_to_pass"], []
    for _ in range(CANARIES):
        canaries.append(_canary(names, rng))
        names = [*names, canaries[-1]["id"]]
    return {**plan, "canaries": canaries, "order": f"{rng.getrandbits(64):016x}"}


def _canary(names: list[str], rng: random.Random) -> dict[str, str]:
    """A test that must fail and is named like the task's own, so that no pattern tells it from them."""
    known = re.findall("[a-z]{3,}", " ".join(names).lower())
    words = sorted({*WORDS, *known} - {"test", "tests"})
    folder = posixpath.dirname(rng.choice(names).split("::")[0])
    while True:
        path = posixpath.join(folder, f"test_{'_'.join(rng.sample(words, rng.choice((2, 3))))}.py")
        if not any(name.split("::")[0] == path for name in names):
            break
    name = f"test_{'_'.join(rng.sample(words, rng.choice((2, 3))))}"
    return {"id": f"{path}::{name}", "path": path, "content": f"def {name}():\n{_wrong(words, rng)}"}


def _wrong(words: list[str], rng: random.Random) -> str:
    """A test's body whose assertion is false."""
    left, right, off = rng.randrange(2, 999), rng.randrange(2, 999), rng.randrange(1, 99)
    one, two = rng.sample(words, 2)
    return rng.choice(
        [
            f"    assert {left} + {right} == {left + right + off}\n",
            f"    total = sum([{left}, {right}])\n    assert total == {left + right - off}\n",
            f'    assert "{one} {two}".split() == ["{two}", "{one}"]\n',
            f'    text = "{one}"\n    assert text.upper() == "{two.upper()}"\n',
            f"    values = [{left}, {right + 1000}]\n    assert max(values) == {left}\n",
        ]
    )


def judge(report: dict[str, Any], plan: dict[str, Any]) -> dict[str, Any]:
    """What a report says: {"passed", "complete", "tests": {id: (outcome, detail)}, "findings": [(code, sentence)]}.

    Passed is a complete report in which every expected test passed exactly once, every canary failed, and nothing contradicts.
    """
    rows = report["rows"]
    tests = outcomes(rows, plan["fail_to_pass"] + plan["pass_to_pass"])
    all_passed = all(result == "passed" for result, _ in tests.values())
    complete = is_complete(report)
    findings = [("duplicate_result", f"{name} was reported twice.") for name in tests if tests[name][0] == "duplicate"]
    findings += [("contradictory", sentence) for sentence in (contradictions(rows) if complete else ())]
    for name, (result, _) in outcomes(rows, [canary["id"] for canary in plan["canaries"]]).items():
        if result in ("passed", "duplicate", "xpassed"):
            findings.append(("canary_passed", f"{name}, which must fail, ended as {result}: results are forged."))
        elif complete and result != "failed" and (all_passed or result != "error"):
            findings.append(("canary_missing", f"{name}, which must fail, ended as {result}."))
    passed = complete and all_passed and not findings
    return {"passed": passed, "complete": complete, "tests": tests, "findings": findings}


def is_complete(report: dict[str, Any]) -> bool:
    """Whether the build succeeded and the session ran to its own end (pytest's exit status 0 or 1)."""
    ends = [row for row in report["rows"] if row.get("when") == "finish"]
    whole = bool(ends) and ends[0].get("exit_status") in (0, 1) and not report["timed_out"]
    return whole and not report["build_failures"]


def outcomes(rows: list[dict[str, Any]], names: list[str]) -> dict[str, tuple[str, str]]:
    """Each test's (outcome, detail), as TestResult.outcome in the contract."""
    mine: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for row in rows:
        if row.get("when") in TEST_PHASES and row.get("id") in mine:
            mine[row["id"]].append(row)
    uncollected = [row for row in rows if row.get("when") == "collect"]
    return {name: _outcome(mine[name]) or _uncollected(uncollected, name) for name in names}


def _outcome(rows: list[dict[str, Any]]) -> tuple[str, str] | None:
    """A teardown or subtest that fails spoils a pass; two results are none."""
    results = [row for row in rows if row["when"] in ("setup", "call")]
    broken = [row for row in rows if row["when"] in ("teardown", "subtest")]
    if len(results) > 1:
        return "duplicate", ""
    for row in broken or results:
        return str(row.get("outcome")), str(row.get("detail", ""))
    return None


def _uncollected(rows: list[dict[str, Any]], name: str) -> tuple[str, str]:
    """A file or folder that could not be collected takes its tests with it."""
    for row in rows:
        place = str(row.get("id")).removesuffix("/__init__.py")
        if name.startswith((f"{place}::", f"{place}/")):
            return "error", str(row.get("detail", ""))
    return "missing", ""


def contradictions(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Sentences on what cannot be true at once in a complete report."""
    collected = [str(name) for row in rows if row.get("when") == "collected" for name in row.get("ids") or []]
    reported = {str(row.get("id")) for row in rows if row.get("when") in TEST_PHASES}
    failed = [str(row.get("id")) for row in rows if row.get("outcome") in ("failed", "error")]
    ends = [row for row in rows if row.get("when") == "finish"]
    if rows[-1] is not ends[0]:
        yield "Results came after the end of the session."
    if any(row.get("when") == "malformed" for row in rows):
        yield "The report holds lines that the runner did not write."
    if len(collected) != len(set(collected)) or sum(row.get("when") == "collected" for row in rows) != 1:
        yield "Tests were collected twice, or never."
    if strange := sorted(reported ^ set(collected)):
        how = "reported but never collected" if strange[0] in reported else "collected but never reported"
        yield f"{strange[0]} was {how}."
    if (ends[0]["exit_status"] == 0) == bool(failed):
        yield f"The exit status is {ends[0]['exit_status']}, but {failed[0] if failed else 'no test'} failed."

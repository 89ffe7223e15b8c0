"""Plan: what a verification sandbox must contain and run."""

import json
import secrets
from importlib.resources import files
from pathlib import PurePosixPath

from oneshot.grader.v1 import grader_pb2
from oneshot_grader import grade_verdict
from oneshot_shared.errors import BadInput
from oneshot_shared.strict import parse
from oneshot_shared.task import RUNNER, Expected

PLAN_FILE = "plan.json"
MARGIN_SECONDS = 60  # laying the tree and writing the report, beside the builds and tests that timeout_sec limits


def plan(expected: bytes, seed: int, isolate: bool) -> grader_pb2.VerificationPlan:
    """A plan for tests/expected.json; seed 0 draws one. `isolate` as in PlanRequest.

    :raises BadInput: the file is not valid, or its paths leave the tree.
    """
    wanted = parse(Expected, expected, "tests/expected.json")
    _check(wanted)
    seed = seed or secrets.randbelow(2**64 - 1) + 1
    content = {"format": "oneshot-plan/1", **grade_verdict.make_plan(wanted.model_dump(), seed, isolate)}
    return grader_pb2.VerificationPlan(
        files={**runner_files(), PLAN_FILE: json.dumps(content, indent=1).encode()},
        argv=["{python}", "-I", "{verify}/grade.py", "--plan", f"{{verify}}/{PLAN_FILE}", "--tree", "{tree}"],
        timeout_seconds=wanted.timeout_sec + MARGIN_SECONDS,
        seed=seed,
    )


def runner_files() -> dict[str, bytes]:
    """The runner, which every task's tests/ holds as well."""
    return {name: files("oneshot_grader").joinpath(name).read_bytes() for name in RUNNER}


def _check(expected: Expected) -> None:
    for path in (*expected.test_roots, *expected.python_path):
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise BadInput(f"tests/expected.json: {path!r} leaves the tree; give a path below it")
    roots = [PurePosixPath(root) for root in expected.test_roots]
    if PurePosixPath() in roots:
        raise BadInput(
            "tests/expected.json: the whole tree cannot be a test root; name the folders that hold only tests"
        )
    for name in expected.fail_to_pass + expected.pass_to_pass:
        if not any(PurePosixPath(name.split("::")[0]).is_relative_to(root) for root in roots):
            raise BadInput(
                f"tests/expected.json: test {name!r} lies in no test root ({', '.join(expected.test_roots)}); "
                "add its folder to test_roots, and its file to tests/files/"
            )

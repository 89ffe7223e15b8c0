"""Runs a task's tests on a solution, as another user, and says what happened. Standard library only, Python 3.9+.

  grade.py --plan PLAN --tree TREE    our verification sandbox: one JSON report on standard output; Score judges it
  grade.py --harbor --tree TREE       Harbor's verifier: plans, runs, judges and writes /logs/verifier/reward.txt

This file and its companions (grade_*.py) are part of every task's tests/ and of every plan. It takes nothing from the solution
but product files and believes nothing that the solution prints: rows come from grade_launch.py through a pipe, and count when
the report is whole, names each test once, and the canaries failed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shutil
import sys
import tarfile
import tempfile
import time
from typing import TYPE_CHECKING, Any

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)  # -I leaves the script's own folder out
if TYPE_CHECKING:
    from oneshot_grader.grade_tester import Ran, Tester
    from oneshot_grader.grade_tree import Tree
    from oneshot_grader.grade_verdict import judge, make_plan
else:
    from grade_tester import Ran, Tester
    from grade_tree import Tree
    from grade_verdict import judge, make_plan

LISTED = 200
KEYS = {
    "when": str,
    "id": str,
    "ids": list,
    "outcome": str,
    "detail": str,
    "exit_status": int,
    "pytest": str,
    "python": str,
}
REWARDS = "/logs/verifier"


def lay(tree: Tree, changes: str, deleted: list[str] | None) -> None:
    """Lay the solution's files. Without a list of what it deleted, the tar is the whole tree: what it lacks is deleted."""
    with tarfile.open(changes, mode="r:") as tar:
        members = tar.getmembers()
        if deleted is None:
            there = {os.path.normpath(member.name) for member in members}
            deleted = [
                name for name in list(tree.files()) if name not in there and not tree.kept(tuple(name.split("/")))
            ]
        for name in deleted:
            tree.delete(name)
        for member in members:
            tree.add(tar, member)


def verify(plan: dict[str, Any], tree: Tree, tests: str) -> dict[str, Any]:
    """Build, then run the hidden tests and canaries on a laid tree; the report, as Score reads it."""
    work = tempfile.mkdtemp(prefix="grade-")
    try:
        tree.drop_caches()
        tester = Tester(work, tree.root, plan["python_path"])
        if plan["isolate"] and not tester.identity:
            failures, ran = list[dict[str, Any]](), Ran()
        else:
            failures, ran = run(plan, tester, tree, tests, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return {
        "format": "oneshot-report/1",
        "isolated": bool(tester.identity),  # whether solution code ran as another user than we
        "rows": rows_of(bytes(ran.rows)),
        "exit_code": ran.exit_code,
        "timed_out": ran.timed_out or any(failure["timed_out"] for failure in failures),
        "build_failures": failures,
        "ignored": tree.ignored[:LISTED],
        "refused": tree.refused[:LISTED],
        "output": ran.tail.decode("utf-8", "replace"),
    }


def run(plan: dict[str, Any], tester: Tester, tree: Tree, tests: str, work: str) -> tuple[list[dict[str, Any]], Ran]:
    """What the solution's code has a part in: (the build that failed, if any; what came of the tests)."""
    deadline = time.monotonic() + plan["timeout_sec"]
    if tester.identity:
        tree.hand_over(tester.identity["user"])
    failures = build(plan["build"], tester, tree, deadline)
    tree.lay_tests(os.path.join(tests, "files"), plan["canaries"])
    if tester.identity:
        tree.seal_tests()
    return failures, Ran() if failures else pytest(plan, tester, work, deadline)


def build(commands: list[list[str]], tester: Tester, tree: Tree, deadline: float) -> list[dict[str, Any]]:
    """Run the build commands; the one that failed, if any. What configures the runner is put back afterwards."""
    before = tree.settings() if commands else {}
    failures: list[dict[str, Any]] = []
    for command in commands:
        argv = [part.replace("{tree}", tree.root) for part in command]
        ran = tester.run(argv, deadline)
        if ran.exit_code != 0:
            tail = ran.tail[-4096:].decode("utf-8", "replace")
            failures = [{"argv": argv, "exit_code": ran.exit_code, "timed_out": ran.timed_out, "tail": tail}]
            break
    if commands:
        tree.restore(before)
        tree.drop_caches()
    return failures


def pytest(plan: dict[str, Any], tester: Tester, work: str, deadline: float) -> Ran:
    """Run the files that hold expected tests and canaries; a file that is not there has no tests to report."""
    names = plan["fail_to_pass"] + plan["pass_to_pass"] + [canary["id"] for canary in plan["canaries"]]
    files = sorted({name.split("::")[0] for name in names})
    config = {"tree": tester.tree, "order": plan["order"], "python_path": plan["python_path"]}
    config["bytecode"] = os.path.join(work, "pycache")  # never made, and not theirs to make
    config["files"] = [name for name in files if os.path.isfile(os.path.join(tester.tree, name))]
    launcher, settings = os.path.join(work, "launch.py"), os.path.join(work, "launch.json")
    shutil.copyfile(os.path.join(HERE, "grade_launch.py"), launcher)
    with open(settings, "w") as file:
        json.dump(config, file)
    return tester.run([*tester.python, launcher, settings], deadline, reporting=True)


def rows_of(raw: bytes) -> list[dict[str, Any]]:
    """The rows as they came, known keys only; lines that are none are kept as one row that says so."""
    rows: list[dict[str, Any]] = []
    for line in raw.splitlines():
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict) and all(isinstance(row.get(key, kind()), kind) for key, kind in KEYS.items()):
            row = {key: row[key] for key in KEYS if key in row}
            rows.append({**row, "ids": [str(name) for name in row["ids"]]} if "ids" in row else row)
        elif {"when": "malformed"} not in rows[:1]:
            rows.insert(0, {"when": "malformed"})
    return rows


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tree", required=True)
    parser.add_argument("--plan")
    parser.add_argument("--harbor", action="store_true")
    arguments = parser.parse_args()
    os.umask(0o022)
    if arguments.harbor:
        harbor(arguments.tree)
        return
    folder = os.path.dirname(os.path.abspath(arguments.plan))
    lock(folder)
    with open(arguments.plan) as file:
        plan = json.load(file)
    with open(os.path.join(folder, "solution", "deleted.json")) as file:
        deleted = json.load(file)
    tree = Tree(arguments.tree, plan["test_roots"])
    lay(tree, os.path.join(folder, "solution", "changes.tar"), deleted)
    report = json.dumps(verify(plan, tree, os.path.join(folder, "tests")), ensure_ascii=False)
    sys.stdout.buffer.write(report.encode("utf-8", "replace"))  # a test may report half characters


def lock(folder: str) -> None:
    """Keep the plan and the expected ids from the tests: they tell canaries from tests."""
    if os.geteuid() == 0:
        os.chmod(folder, 0o700)


def harbor(root: str) -> None:
    """Grade /logs/artifacts/tree.tar; 0 stands until all is known."""
    os.chmod(REWARDS, 0o755)  # it was everybody's
    reward(0)
    lock(HERE)
    with open(os.path.join(HERE, "expected.json")) as file:
        plan = make_plan(json.load(file), secrets.randbits(64), isolate=True)
    tree = Tree(root, plan["test_roots"])
    lay(tree, "/logs/artifacts/tree.tar", None)
    report = verify(plan, tree, HERE)
    verdict = judge(report, plan)
    print(report["output"])
    print(json.dumps({**verdict, "refused": report["refused"], "build_failures": report["build_failures"]}, indent=2))
    reward(int(verdict["passed"]))


def reward(value: int) -> None:
    """Write the only verdict file; Harbor would prefer a reward.json."""
    for name in ("reward.json", "reward.txt"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(REWARDS, name))
    with open(os.path.join(REWARDS, "reward.txt"), "x") as file:
        file.write(str(value))


if __name__ == "__main__":
    main()

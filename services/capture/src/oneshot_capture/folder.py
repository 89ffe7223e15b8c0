"""A created task's folder: base, reference patch, candidate tests, words, what was recorded. What prepares it adds the rest."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_capture import candidates, testfiles
from oneshot_capture.candidates import Candidates
from oneshot_capture.entries import NOTHING, Entry
from oneshot_capture.rubric import default_rubric
from oneshot_capture.trees import PackedTrees, Tree
from oneshot_shared import capture_checks, testnames
from oneshot_shared.errors import BadInput
from oneshot_shared.task import EnvironmentTable, Rubric

_SOLVE = f"""\
#!/bin/sh
# Harbor's oracle. OneShot applies solution.patch itself.
set -e
cd {EnvironmentTable().workdir}
git apply --whitespace=nowarn /solution/solution.patch
"""
_MOST_REMARKS = 20


@dataclass(frozen=True)
class _Split:
    """The work, taken apart. `solved` is the base with the source changes."""

    base: Tree
    end: Tree
    solved: str
    source: Sequence[Entry]
    tests: Sequence[Entry]
    candidates: Candidates
    remarks: Sequence[str]


async def write(folder: Path, trees: PackedTrees, task: pb.CaptureTask, rubric: Rubric | None) -> None:
    """Write the folder of a task that has its ending, but for its origin; fills in its counts and remarks.

    :raises BadInput: the trees or the named tests.
    """
    split = await _split(trees, task.ending)
    task.counts.CopyFrom(
        pb.Counts(base_files=len(split.base.entries), source_files=len(split.source), test_files=len(split.tests))
    )
    task.remarks[:] = [*split.remarks, *_on_rubric(rubric, split)]
    await trees.write(split.base.oid, folder / "environment" / "repo")
    (folder / "solution").mkdir()
    await trees.patch(split.base.oid, split.solved, folder / "solution" / "solution.patch")
    if split.tests:
        there = [test.path for test in split.tests if test.mode != NOTHING]
        await trees.write(split.end.oid, folder / "tests" / "files", there)
        await trees.patch(split.solved, split.end.oid, folder / "tests" / "tests.patch")
    await asyncio.to_thread(_write_words, folder, task, split)


async def _split(trees: PackedTrees, ending: pb.Ending) -> _Split:
    base, end = await trees.tree(ending.base_tree), await trees.tree(ending.end_tree)
    changes = await trees.changes(base, end)
    if not changes:
        raise BadInput("base and end differ in nothing that a task can hold; change a file of the tree itself")
    is_test: Callable[[bytes], bool] = testnames.by_name
    if ending.test_paths:
        known = [entry.path for entry in (*end.entries, *changes)]
        is_test = await asyncio.to_thread(testfiles.named, ending.test_paths, known)
    remarks = _cut(list(dict.fromkeys([*base.left_out, *end.left_out])), "were left out")
    source, tests = testfiles.split(changes, is_test)
    if source:
        found = await candidates.find(trees, base, end, is_test, ending.fail_to_pass)
    else:
        source, tests = tests, source
        remarks.append("only tests were changed: they are the solution, and there are none to find it by")
        found = await candidates.find(trees, base, base, is_test, [])
    remarks += _cut(found.remarks, "are to be said of the tests")
    return _Split(base, end, await trees.changed(base.oid, source), source, tests, found, remarks)


def _cut(remarks: list[str], what: str) -> list[str]:
    more = len(remarks) - _MOST_REMARKS
    return remarks if more <= 0 else [*remarks[:_MOST_REMARKS], f"{more} more {what}"]


def _on_rubric(rubric: Rubric | None, split: _Split) -> list[str]:
    return [
        f"criterion {criterion.id!r} is decided by tests, and the change has none; add tests, or let the judge decide it"
        for criterion in (rubric.criterion if rubric and not split.tests else [])
        if criterion.decided_by == "tests"
    ]


def _write_words(folder: Path, task: pb.CaptureTask, split: _Split) -> None:
    start, ending = task.start, task.ending
    told = ending.instructions or start.instructions or start.title
    (folder / "instruction.md").write_bytes(capture_checks.instruction(told))
    solve = folder / "solution" / "solve.sh"
    solve.write_text(_SOLVE)
    solve.chmod(0o755)
    (folder / "oneshot").mkdir()
    (folder / "oneshot" / "rubric.toml").write_bytes(ending.rubric_toml or default_rubric(bool(split.tests)))
    found = {"fail_to_pass": split.candidates.fail_to_pass, "pass_to_pass": split.candidates.pass_to_pass}
    _write_json(folder / "oneshot" / "candidates.json", found)


def write_origin(folder: Path, task: pb.CaptureTask) -> None:
    """Write where a task comes from, once all that is to be remarked is known."""
    start, ending = task.start, task.ending
    origin = {
        "task_id": task.task_id,
        "title": start.title,
        "notes": start.notes,
        "labels": capture_checks.labels(start, ending),
        "session_id": ending.session_id or start.session_id,
        "thread_id": ending.thread_id,
        "begin_call_id": ending.begin_call_id,
        "end_call_id": ending.end_call_id,
        "repository": ending.repository,
        "summary": ending.summary,
        "base_tree": ending.base_tree,
        "end_tree": ending.end_tree,
        "started_at": task.started_at,
        "ended_at": task.ended_at,
        "remarks": list(task.remarks),
    }
    _write_json(folder / "oneshot" / "origin.json", origin)


def _write_json(file: Path, content: object) -> None:
    file.write_bytes(f"{json.dumps(content, indent=2, ensure_ascii=False)}\n".encode())

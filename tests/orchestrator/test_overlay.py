"""Changes and plans as tars."""

import io
import json
import os
import tarfile
from pathlib import Path

from oneshot_orchestrator import overlay
from oneshot_orchestrator.contract import Changes
from oneshot_shared import archive
from orchestrator import trees
from orchestrator.trees import Tree

CHANGED: Tree = {b"d/new": ("exec", b"1"), b"link": ("link", b"d/new"), b"\xff\n": ("file", b"\0")}


def test_changes_arrive_as_they_are(tmp_path: Path) -> None:
    changes = Changes(trees.write(CHANGED, tmp_path / "changes"), ["gone"])
    with overlay.changes_tar(changes) as tar:
        archive.unpack(tar, tmp_path / "laid")
    assert trees.read(tmp_path / "laid") == CHANGED


def test_a_verification_holds_tests_plan_and_solution(tmp_path: Path) -> None:
    tests = trees.write({b"files/test_a.py": ("file", b"pass"), b"grade.py": ("file", b"task's")}, tmp_path / "tests")
    gone = os.fsdecode(b"gone\xff")
    changes = Changes(trees.write(CHANGED, tmp_path / "changes"), [gone])
    with (
        overlay.verification_tar(tests, {"grade.py": b"plan's", "plan.json": b"{}"}, changes) as tar,
        tarfile.open(fileobj=tar) as opened,
    ):
        content = {m.name: opened.extractfile(m) for m in opened if m.isfile()}
        found = {name: file.read() for name, file in content.items() if file}
    assert found["tests/files/test_a.py"] == b"pass"
    assert (found["tests/grade.py"], found["grade.py"], found["plan.json"]) == (b"task's", b"plan's", b"{}")
    assert json.loads(found["solution/deleted.json"]) == [gone]
    archive.unpack(io.BytesIO(found["solution/changes.tar"]), tmp_path / "laid")
    assert trees.read(tmp_path / "laid") == CHANGED


def test_files_by_name(tmp_path: Path) -> None:
    with overlay.files_tar({"a/b": b"1"}) as tar:
        archive.unpack(tar, tmp_path)
    assert trees.read(tmp_path) == {b"a/b": ("file", b"1")}

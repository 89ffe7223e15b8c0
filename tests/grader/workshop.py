"""A toy task, verified for real: grade.py runs as a program, on a pristine tree, as the orchestrator would start it."""

import io
import json
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

from oneshot.grader.v1 import grader_pb2
from oneshot_grader import grade_verdict
from oneshot_grader.plan import plan as make_plan
from oneshot_shared.placeholders import fill

BASE = {
    "src/calc/__init__.py": 'NAME = "calc"\n\n\ndef add(a, b):\n    return a - b\n',
    "pyproject.toml": '[project]\nname = "calc"\nversion = "0"\n',
    "tests/test_calc.py": "def test_weak():\n    pass\n",
    "conftest.py": "BASE = 1\n",
    "docs/old.md": "old\n",
}
GOLD = {"src/calc/__init__.py": BASE["src/calc/__init__.py"].replace("a - b", "a + b")}
HIDDEN = {
    "tests/test_add.py": "from calc import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n",
    "tests/test_calc.py": 'import calc\n\n\ndef test_name():\n    assert calc.NAME == "calc"\n',
}
EXPECTED = {
    "framework": "pytest",
    "fail_to_pass": ["tests/test_add.py::test_add"],
    "pass_to_pass": ["tests/test_calc.py::test_name"],
    "test_roots": ["tests"],
    "python_path": ["src"],
    "timeout_sec": 30,
}


@dataclass(frozen=True)
class Link:
    """A symbolic link in a solution."""

    target: str


@dataclass
class Verified:
    """What came of one verification."""

    plan: grader_pb2.VerificationPlan
    output: bytes
    exit_code: int
    stderr: str
    tree: Path
    report: dict = field(default_factory=dict)
    verdict: dict = field(default_factory=dict)

    @property
    def codes(self) -> set[str]:
        return {code for code, _ in self.verdict["findings"]}

    def message(self, subject: grader_pb2.Subject = grader_pb2.SUBJECT_SOLUTION) -> grader_pb2.Report:
        return grader_pb2.Report(subject=subject, output=self.output, exit_code=self.exit_code)


def lay(folder: Path, files: dict) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def tar_of(changes: dict) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in changes.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, Link):
                member.type, member.linkname = tarfile.SYMTYPE, content.target
                tar.addfile(member)
            else:
                content = content if isinstance(content, bytes) else content.encode()
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


def verify(
    folder: Path,
    changes: dict,
    deleted: tuple[str, ...] = (),
    *,
    hidden: dict = HIDDEN,
    base: dict = BASE,
    isolate=False,
    **expected,
) -> Verified:
    """Lay `changes` over the base and run the plan's command, with this interpreter."""
    tree, verification = lay(folder / "tree", base), folder / "verify"
    wanted = json.dumps(EXPECTED | expected).encode()
    plan = make_plan(wanted, 7, isolate)
    lay(verification, dict(plan.files) | {"tests/expected.json": wanted})
    lay(verification / "tests/files", hidden)
    lay(verification, {"solution/changes.tar": tar_of(changes), "solution/deleted.json": json.dumps(deleted)})
    words = {"python": sys.executable, "verify": str(verification), "tree": str(tree)}
    done = subprocess.run([fill(part, words) for part in plan.argv], capture_output=True, timeout=60, check=False)
    verified = Verified(plan, done.stdout, done.returncode, done.stderr.decode(), tree)
    if done.returncode == 0:
        verified.report = json.loads(done.stdout)
        verified.verdict = grade_verdict.judge(verified.report, json.loads(plan.files["plan.json"]))
    return verified

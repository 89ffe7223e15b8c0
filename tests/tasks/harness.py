"""Trees of the example tasks, and what their hidden tests say of one."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

PREPARED = Path(__file__).parents[2] / "data/tasks/prepared"
OUTCOME = re.compile(r"^(PASSED|FAILED|ERROR) (\S+)", re.MULTILINE)


def base(task: Path, folder: Path) -> Path:
    """The tree that an agent starts from."""
    return Path(shutil.copytree(task / "environment/repo", folder, ignore=shutil.ignore_patterns("__pycache__")))


def reference(task: Path, folder: Path) -> Path:
    """The tree with the reference solution."""
    return patched(task, folder, (task / "solution/solution.patch").read_text())


def patched(task: Path, folder: Path, diff: str) -> Path:
    """The tree with a patch."""
    base(task, folder)
    subprocess.run(["git", "apply", "-"], input=diff, cwd=folder, check=True, text=True)
    return folder


def outcomes(task: Path, tree: Path) -> dict[str, str]:
    """Run the hidden tests on a tree, in this interpreter's pytest: {test id: PASSED, FAILED or ERROR}."""
    shutil.rmtree(tree / "tests")
    shutil.copytree(task / "tests/files/tests", tree / "tests")
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "--tb=no", "-p", "no:cacheprovider"],
        env=env | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=tree,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return {name: outcome for outcome, name in OUTCOME.findall(done.stdout)}


def content(tree: Path) -> dict[str, str]:
    """Every file of a tree."""
    return {str(path.relative_to(tree)): path.read_text() for path in sorted(tree.rglob("*")) if path.is_file()}

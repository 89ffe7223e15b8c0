"""The pytest child, run as a program: one line a result, on the pipe it was given."""

import json
import os
import py_compile
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from grader.workshop import lay
from oneshot_grader import grade_launch

TESTS = """
import pytest

def test_good():
    pass

def test_bad():
    assert 1 == 2, "one is not two"

@pytest.mark.xfail
def test_expected():
    assert False

@pytest.mark.skip
def test_left_out():
    pass

@pytest.fixture
def broken():
    raise RuntimeError("no")

def test_broken(broken):
    pass

def test_source_counts():
    import product
    assert product.VALUE == "source"
"""


def launch(tmp_path: Path, order: str, python: str = sys.executable) -> list[dict]:
    (tmp_path / "tests").mkdir(exist_ok=True)
    (tmp_path / "tests/test_all.py").write_text(TESTS)
    product = tmp_path / "product.py"
    product.write_text("VALUE = 'bytecode'")
    py_compile.compile(str(product), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    product.write_text("VALUE = 'source'")
    config = tmp_path / "config.json"
    plan = {"tree": str(tmp_path), "order": order, "python_path": ["."], "files": ["tests/test_all.py"]}
    config.write_text(json.dumps(plan | {"bytecode": str(tmp_path / "nowhere")}))
    read, write = os.pipe()
    command = [python, "-I", grade_launch.__file__, config, str(write)]
    done = subprocess.run(command, pass_fds=[write], cwd=tmp_path, capture_output=True, check=False)
    os.close(write)
    with os.fdopen(read) as rows:
        lines = [json.loads(line) for line in rows]
    assert done.returncode == 1
    return lines


def test_each_outcome_has_its_word(tmp_path: Path) -> None:
    rows = launch(tmp_path, "a")
    outcomes = {row["id"].split("::")[1]: row["outcome"] for row in rows if row["when"] in ("setup", "call")}
    assert outcomes == {
        "test_good": "passed",
        "test_bad": "failed",
        "test_expected": "xfailed",
        "test_left_out": "skipped",
        "test_broken": "error",
        "test_source_counts": "passed",
    }
    assert "one is not two" in next(row["detail"] for row in rows if row.get("outcome") == "failed")
    assert [rows[0]["when"], rows[-1]["when"], rows[-1]["exit_status"]] == ["start", "finish", 1]


def test_the_order_follows_the_seed(tmp_path: Path) -> None:
    def ids(order: str) -> list[str]:
        return next(row["ids"] for row in launch(tmp_path, order) if row["when"] == "collected")

    orders = {tuple(ids(order)) for order in "abcdef"}
    assert ids("a") == ids("a")
    assert len(orders) > 1
    assert len({frozenset(order) for order in orders}) == 1


@pytest.mark.parametrize("place", ["elsewhere/venv", "tree/.venv"])
def test_an_editable_install_of_the_product_is_no_way_into_pytest(tmp_path: Path, place: str) -> None:
    tree, environment = tmp_path / "tree", tmp_path / place
    (tree / "src").mkdir(parents=True)
    (tree / "src" / "msvcrt.py").write_text(
        "import os; os._exit(0)"
    )  # of Windows: `import pytest` looks for it everywhere
    venv.create(environment)
    [packages] = environment.glob("lib/*/site-packages")
    (packages / "a.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n{tree / 'src'}\n")
    lay(tree, {"src/installed.py": "", "tests/conftest.py": "import installed"})  # found again when the tests run
    rows = launch(tree, "a", python=str(environment / "bin" / "python"))
    assert [rows[0]["when"], rows[-1]["when"], rows[-1]["exit_status"]] == ["start", "finish", 1]

"""grade.py, run as a program: what honest solutions and the catalogue's cheats (facts/threats_and_formats.md) end as."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from grader.workshop import BASE, GOLD, HIDDEN, Link, verify
from oneshot_grader import grade
from oneshot_grader.plan import runner_files

WRONG = BASE["src/calc/__init__.py"]
PASS_ALL = """
import pytest

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    report.outcome, report.longrepr = "passed", None
"""
FORGER = """
import json, os
names = ["tests/test_add.py::test_add", "tests/test_calc.py::test_name"]
rows = [{"when": "collected", "ids": names}]
rows += [{"when": "call", "id": name, "outcome": "passed", "detail": ""} for name in names]
rows += [{"when": "finish", "exit_status": STATUS}]
for fd in map(int, os.listdir("/proc/self/fd")):
    try:
        os.write(fd, "".join(json.dumps(row) + "\\n" for row in rows).encode())
    except OSError:
        pass
os._exit(0)
"""
PYC = b"\xcb\r\r\n" + b"\x01" + b"\0" * 11  # the header of an unchecked-hash .pyc; the rest does not matter
CHEATS = {
    "A1 conftest.py": {"conftest.py": PASS_ALL},
    "A2 tests/conftest.py": {"tests/conftest.py": PASS_ALL},
    "A2 conftest.py beside the product": {"src/conftest.py": PASS_ALL, "src/calc/conftest.py": PASS_ALL},
    "A3 tests/__init__.py": {
        "tests/__init__.py": "import _pytest.python as p\np.Function.runtest = lambda self: None\n"
    },
    "A4 the product patches pytest": {
        "src/calc/__init__.py": f"import _pytest.python as p\np.Function.runtest = lambda self: None\n{WRONG}"
    },
    "A4 the product spares canaries by their looks": {
        "src/calc/__init__.py": "import re, _pytest.python as p\nreal = p.Function.runtest\n"
        "def run(self):\n    return real(self) if re.fullmatch('test_[0-9a-f]{12}', self.name) else None\n"
        f"p.Function.runtest = run\n{WRONG}"
    },
    "A5 conftest.py removes the test": {
        "conftest.py": "def pytest_collection_modifyitems(items):\n    items[:] = items[:1]\n"
    },
    "A5 the product skips": {
        "src/calc/__init__.py": f"import pytest\npytest.skip('no', allow_module_level=True)\n{WRONG}"
    },
    "A6 conftest.py marks xfail": {
        "conftest.py": "import pytest\ndef pytest_collection_modifyitems(items):\n"
        "    for item in items:\n        item.add_marker(pytest.mark.xfail)\n"
    },
    "A7 exit at import": {"src/calc/__init__.py": "import os\nos._exit(0)\n"},
    "A8 exit at exit": {"src/calc/__init__.py": f"import atexit, os\natexit.register(lambda: os._exit(0))\n{WRONG}"},
    "A11 pytest.ini": {"pytest.ini": "[pytest]\naddopts = --collect-only\n"},
    "A11 tox.ini": {"tox.ini": "[pytest]\naddopts = --deselect tests/test_add.py\n"},
    "A11 setup.cfg": {"setup.cfg": "[tool:pytest]\naddopts = --collect-only\n"},
    "A11 pyproject.toml": {"pyproject.toml": '[tool.pytest.ini_options]\naddopts = "--collect-only"\n'},
    "A12 pytest.py": {"pytest.py": "raise SystemExit(0)\n", "src/pytest.py": "raise SystemExit(0)\n"},
    "A13 a plugin's metadata": {
        "evil.dist-info/entry_points.txt": "[pytest11]\nevil = evil\n",
        "evil.dist-info/METADATA": "Metadata-Version: 2.1\nName: evil\nVersion: 1\n",
        "evil.py": PASS_ALL,
    },
    "A15 prints results": {
        "src/calc/__init__.py": "print('PASSED tests/test_add.py::test_add\\n2 passed in 0.01s', flush=True)\n" + WRONG
    },
    "A17 writes to every descriptor": {"src/calc/__init__.py": FORGER.replace("STATUS", "0")},
    "A17 writes with the exit status that failures have": {"src/calc/__init__.py": FORGER.replace("STATUS", "1")},
    "A25 a file where a hidden test will lie": {"tests/test_add.py": "def test_add():\n    pass\n"},
    "A25 a folder where a hidden test will lie": {"tests/test_add.py/x": "x"},
    "A26 edits existing tests": {"tests/test_calc.py": "def test_name():\n    pass\n"},
    "A27 stale bytecode": {"src/calc/__pycache__/__init__.cpython-313.pyc": PYC, "src/calc.pyc": PYC},
    "A28 a link where a hidden test will lie": {"tests/test_add.py": Link("../src/calc/__init__.py")},
    "A28 a link where the tests will lie": {"tests": Link("src")},
    "A30 a name that leads out": {"../evil.py": "x", "src/../../evil.py": "x", "/tmp/oneshot-evil.py": "x"},
    "sitecustomize": {"src/sitecustomize.py": PASS_ALL, "evil.pth": "import evil\n"},
}
BETRAYED = {  # what a finding says, where the cheat reached the report
    "A4 the product patches pytest": "canary_passed",
    "A4 the product spares canaries by their looks": "canary_passed",
    "A17 writes with the exit status that failures have": "canary_missing",
    "A17 writes to every descriptor": "canary_missing",
}


@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_does_not_pass(name: str, tmp_path: Path) -> None:
    verified = verify(tmp_path, CHEATS[name])
    assert verified.exit_code == 0, verified.stderr
    assert not verified.verdict["passed"]
    if name in BETRAYED:
        assert BETRAYED[name] in verified.codes
    elif "A7" not in name:
        assert verified.verdict["complete"], verified.report
        assert verified.verdict["tests"]["tests/test_add.py::test_add"][0] in ("failed", "missing", "skipped")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tree", "verify"]
    assert not Path("/tmp/oneshot-evil.py").exists()


HONEST = {
    "the reference": GOLD,
    "adds tests": GOLD | {"tests/test_more.py": "def test_more():\n    assert False\n"},
    "adds a package": GOLD | {"src/calc/extra/__init__.py": "", "src/other/__init__.py": "X = 1\n"},
    "leaves an environment behind": GOLD | {".venv/bin/python": Link("/usr/bin/python3"), ".venv/pyvenv.cfg": "x"},
    "leaves links behind": GOLD | {"latest": Link("/var/log"), "up": Link("../.."), "fine": Link("src/calc")},
    "touches pyproject.toml": GOLD | {"pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-n 4"\n'},
    "a folder for a file": GOLD | {"pyproject.toml/x": "x"},
    "a file for a folder": GOLD | {"docs": "x"},
    "a link for a file": {"src/calc/__init__.py": Link("real.py"), "src/calc/real.py": GOLD["src/calc/__init__.py"]},
    "uses subprocesses": {
        "src/calc/__init__.py": "import subprocess, sys\nNAME = 'calc'\ndef add(a, b):\n"
        "    code = f'import calc; print({a} + {b})'\n"
        "    return int(subprocess.run([sys.executable, '-c', code], capture_output=True, check=True).stdout)\n"
    },
    "needs a home": {
        "src/calc/__init__.py": "import pathlib, tempfile\nNAME = 'calc'\ndef add(a, b):\n"
        "    pathlib.Path('~/state').expanduser().write_text('x')\n    tempfile.mkdtemp()\n    return a + b\n"
    },
    "prints much": {"src/calc/__init__.py": "print('x' * 300_000)\n" + GOLD["src/calc/__init__.py"]},
    "is not ASCII": GOLD | {"docs/наука.md": "ö", "src/calc/data.bin": bytes(range(256))},
}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_solution_passes(name: str, tmp_path: Path) -> None:
    verified = verify(tmp_path, HONEST[name])
    assert verified.verdict.get("passed"), (verified.stderr, verified.report)


def test_nothing_done_fails_the_right_tests(tmp_path: Path) -> None:
    verified = verify(tmp_path, {})
    assert verified.verdict["complete"]
    assert not verified.verdict["findings"]
    outcomes = {name: outcome for name, (outcome, _) in verified.verdict["tests"].items()}
    assert outcomes == {"tests/test_add.py::test_add": "failed", "tests/test_calc.py::test_name": "passed"}
    assert "assert -1 == 5" in verified.verdict["tests"]["tests/test_add.py::test_add"][1]


def test_what_did_not_cross_is_listed(tmp_path: Path) -> None:
    verified = verify(
        tmp_path, GOLD | {"conftest.py": "X", "latest": Link("/var/log"), "../x": "x"}, deleted=(".git/HEAD", "/etc/x")
    )
    assert verified.verdict["passed"]
    assert verified.report["ignored"] == [".git/HEAD", "conftest.py"]
    assert verified.report["refused"] == ["/etc/x", "latest", "../x"]
    assert (verified.tree / "conftest.py").read_text() == BASE["conftest.py"]


def test_deletions_and_renames(tmp_path: Path) -> None:
    verified = verify(tmp_path, GOLD | {"notes/new.md": "old\n"}, deleted=("docs/old.md", "docs/never.md"))
    assert verified.verdict["passed"]
    assert not (verified.tree / "docs").exists()
    assert (verified.tree / "notes/new.md").exists()


def test_links_in_the_base_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/data").symlink_to(outside)
    verified = verify(tmp_path, GOLD | {"data/new.txt": "x"}, deleted=("data/gone.txt",))
    assert verified.verdict["passed"]
    assert not list(outside.iterdir())


def test_a_hang_is_reported_as_such(tmp_path: Path) -> None:
    verified = verify(tmp_path, {"src/calc/__init__.py": "import time\ntime.sleep(60)\n"}, timeout_sec=2)
    assert verified.report["timed_out"]
    assert not verified.verdict["complete"]


def test_what_outlives_the_tests_does_not_hold_up_the_report(tmp_path: Path) -> None:
    daemon = "import subprocess, sys\nsubprocess.Popen(['sleep', '20'], start_new_session=True)\n"
    verified = verify(tmp_path, {"src/calc/__init__.py": daemon + GOLD["src/calc/__init__.py"]}, timeout_sec=15)
    assert verified.verdict["passed"]
    assert not verified.report["timed_out"]


def test_a_flood_of_rows_ends_the_session(tmp_path: Path) -> None:
    flood = "import os\nwhile True:\n    for fd in map(int, os.listdir('/proc/self/fd')):\n"
    flood += "        try:\n            os.write(fd, b'[]\\n' * 10_000)\n        except OSError:\n            pass\n"
    verified = verify(tmp_path, {"src/calc/__init__.py": flood})
    assert verified.report["timed_out"]
    assert not verified.verdict["passed"]
    assert len(verified.output) < 16 * 1024 * 1024


def test_builds_run_first_and_cannot_configure_the_runner(tmp_path: Path) -> None:
    script = "open('conftest.py', 'w').write('X'); open('new.pth', 'w'); open('src/calc/made.py', 'w').write('Y = 1')"
    verified = verify(tmp_path, GOLD, build=[[sys.executable, "-c", script], ["ls", "{tree}/src/calc/made.py"]])
    assert verified.verdict["passed"], verified.report
    assert (verified.tree / "conftest.py").read_text() == BASE["conftest.py"]
    assert not (verified.tree / "new.pth").exists()


def test_a_build_that_fails_ends_it(tmp_path: Path) -> None:
    verified = verify(tmp_path, GOLD, build=[["sh", "-c", "echo broken >&2; exit 3"]])
    [failure] = verified.report["build_failures"]
    assert (failure["exit_code"], failure["tail"]) == (3, "broken\n")
    assert not verified.verdict["complete"]


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("import pytest\n@pytest.mark.skip\ndef test_it():\n    pass\n", "skipped"),
        ("import pytest\n@pytest.mark.xfail\ndef test_it():\n    assert False\n", "xfailed"),
        ("import pytest\n@pytest.mark.xfail\ndef test_it():\n    pass\n", "xpassed"),
        ("import pytest\n@pytest.fixture\ndef f():\n    1 / 0\ndef test_it(f):\n    pass\n", "error"),
        ("import pytest\n@pytest.fixture\ndef f():\n    yield\n    1 / 0\ndef test_it(f):\n    pass\n", "error"),
        ("import nothing_of_that_name\ndef test_it():\n    pass\n", "error"),
        ("def test_it(subtests):\n    with subtests.test('x'):\n        assert False\n", "failed"),
        (
            "def test_it(subtests):\n    for n in range(3):\n        with subtests.test(n):\n            pass\n",
            "passed",
        ),
        ("def test_other():\n    pass\n", "missing"),
    ],
)
def test_outcomes(body: str, outcome: str, tmp_path: Path) -> None:
    hidden = HIDDEN | {"tests/test_it.py": body}
    verified = verify(tmp_path, GOLD, hidden=hidden, pass_to_pass=["tests/test_it.py::test_it"])
    assert verified.verdict["tests"]["tests/test_it.py::test_it"][0] == outcome
    assert verified.verdict["complete"]
    assert verified.verdict["passed"] == (outcome == "passed")


def test_same_seed_same_order(tmp_path: Path) -> None:
    ids = [
        [row["ids"] for row in verify(tmp_path / name, GOLD).report["rows"] if row["when"] == "collected"]
        for name in "ab"
    ]
    assert ids[0] == ids[1]


def test_runs_on_old_pythons() -> None:
    for content in runner_files().values():
        ast.parse(content, feature_version=(3, 9))


def test_nothing_runs_where_isolation_is_demanded_and_cannot_be(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    product = f"import pathlib\npathlib.Path({str(marker)!r}).touch()\n"
    verified = verify(tmp_path, {"src/calc/__init__.py": product}, isolate=True)
    assert verified.exit_code == 0, verified.stderr
    assert verified.report["isolated"] or not marker.exists()
    assert verified.report["isolated"] or verified.report["rows"] == []


def test_a_verification_without_the_solution_is_no_report(tmp_path: Path) -> None:
    verified = verify(tmp_path, GOLD)
    (tmp_path / "verify/solution/changes.tar").unlink()
    command = [sys.executable, "-I", tmp_path / "verify/grade.py", "--plan", tmp_path / "verify/plan.json"]
    again = subprocess.run([*command, "--tree", verified.tree], capture_output=True, check=False)
    assert again.returncode != 0
    assert again.stdout == b""


def test_a_flood_of_numbers_does_not_outgrow_a_message() -> None:
    raw = b"\n".join(b'{"when": "call", "x": [%s]}' % b",".join([b"1e15"] * 200) for _ in range(4000))
    assert len(json.dumps(grade.rows_of(raw))) < len(raw)
    assert grade.rows_of(b"[" * 100_000) == [{"when": "malformed"}]

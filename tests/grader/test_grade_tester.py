"""The user that solution code runs as, and what is left of its commands."""

import os
import sys
import time
from pathlib import Path

from oneshot_grader import grade_tester


def make(tmp_path: Path) -> grade_tester.Tester:
    for name in ("work", "tree"):
        (tmp_path / name).mkdir()
    return grade_tester.Tester(str(tmp_path / "work"), str(tmp_path / "tree"), ["src"])


def run(tmp_path: Path, code: str, seconds: float = 20, *, reporting: bool = False):
    made = make(tmp_path)
    return made.run([*made.python, "-c", code], time.monotonic() + seconds, reporting=reporting)


def test_exit_code_and_the_end_of_the_output_are_kept(tmp_path: Path) -> None:
    ran = run(tmp_path, f"print('x' * {2 * grade_tester.TAIL_BYTES}); print('end'); raise SystemExit(3)")
    assert (ran.exit_code, ran.timed_out) == (3, False)
    assert len(ran.tail) <= grade_tester.TAIL_BYTES
    assert ran.tail.endswith(b"end\n")


def test_rows_come_through_the_pipe_only(tmp_path: Path) -> None:
    ran = run(tmp_path, "import os, sys; os.write(int(sys.argv[1]), b'row\\n'); print('row')", reporting=True)
    assert bytes(ran.rows) == b"row\n"


def test_at_the_deadline_everything_dies(tmp_path: Path) -> None:
    begun = time.monotonic()
    code = "import subprocess, time; subprocess.Popen(['sleep', '300']); time.sleep(300)"
    ran = run(tmp_path, code, 0.7)
    assert ran.timed_out
    assert ran.exit_code != 0
    assert time.monotonic() - begun < 10


def test_what_could_steer_or_tell_is_not_in_the_environment(tmp_path: Path, monkeypatch) -> None:
    for name in ("PYTHONSTARTUP", "PYTEST_ADDOPTS", "LD_PRELOAD", "MY_API_KEY", "GITHUB_TOKEN"):
        monkeypatch.setenv(name, "x")
    env = make(tmp_path).env
    assert not {"PYTHONSTARTUP", "PYTEST_ADDOPTS", "LD_PRELOAD", "MY_API_KEY", "GITHUB_TOKEN"} & set(env)
    assert env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] == "1"
    assert env["HOME"] != os.environ.get("HOME")
    assert sys.executable

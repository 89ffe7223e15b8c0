"""The first process of a command: it hands over the exit code, and stays for its orphans."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from oneshot_orchestrator.backends import local_init
from orchestrator import harness
from orchestrator.backends.contract.bench import SLEEP


def start(*argv: str, largest: int = 1 << 30) -> tuple["subprocess.Popen[bytes]", int]:
    reading, writing = os.pipe()
    command = [sys.executable, "-I", "-S", local_init.__file__, str(writing), str(largest), *argv]
    process = subprocess.Popen(command, pass_fds=[writing], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.close(writing)
    return process, reading


def run(*argv: str, largest: int = 1 << 30) -> tuple[str, bytes, bytes]:
    """A command's exit code as handed over, and both outputs."""
    process, reading = start(*argv, largest=largest)
    out, err = process.communicate(timeout=20)
    with os.fdopen(reading, "rb") as status:
        return status.read().decode(), out, err


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", "0"), ("exit 255", "255"), ("kill -9 $$", "137"), ("kill -1 $$", "129")]
)
def test_the_exit_code_is_a_shells(script: str, code: str) -> None:
    assert run("sh", "-c", f"echo out; echo err >&2; {script}") == (code, b"out\n", b"err\n")


def test_what_cannot_be_run_is_127_or_126(tmp_path: Path) -> None:
    assert run("/no/such") == ("127", b"", b"/no/such cannot be run: No such file or directory\n")
    assert run("/dev/null/x") == ("127", b"", b"/dev/null/x cannot be run: Not a directory\n")
    (tmp_path / "plain").write_text("text")
    assert run(str(tmp_path)) == ("126", b"", f"{tmp_path} cannot be run: Permission denied\n".encode())
    assert run(str(tmp_path / "plain"))[0] == "126"


def test_a_command_has_the_usual_signals_and_no_larger_file(tmp_path: Path) -> None:
    assert run("sh", "-c", "yes | head -n 1") == ("0", b"y\n", b"")
    file = tmp_path / "file"
    assert run("sh", "-c", f"head -c 5000 /dev/zero > {file}; echo $?", largest=1000)[1] == b"153\n"  # SIGXFSZ
    assert file.stat().st_size == 1000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")
def test_it_adopts_orphans_and_stays_for_them() -> None:
    process, reading = start("sh", "-c", f"(setsid sleep {SLEEP} > /dev/null 2>&1 &) ; ps -o ppid= -p $$")
    with process, os.fdopen(reading, "rb") as status:
        assert status.read() == b"0"  # the command has ended
        assert process.stdout
        assert process.stdout.read().strip() == b"%d" % process.pid  # and so have its outputs
        orphans = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert process.poll() is None
        for orphan in orphans:
            os.kill(int(orphan), signal.SIGKILL)
        assert process.wait(5) == 0
    assert len(orphans) == 1
    assert harness.marked(SLEEP) == []

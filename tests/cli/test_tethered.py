"""A command that ends with whoever started it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from cli.harness import until
from oneshot_cli import tethered

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")


def test_it_is_told_when_its_parent_is_killed(tmp_path: Path) -> None:
    command = ["sh", "-c", "echo $$ > pid; exec sleep 300"]
    starts = f"import subprocess; from oneshot_cli import tethered; subprocess.run(tethered.words({command!r}))"
    with subprocess.Popen([sys.executable, "-c", starts], cwd=tmp_path) as parent:
        file = tmp_path / "pid"
        until(lambda: file.exists() and file.read_text().strip())
        child = psutil.Process(int(file.read_text()))
        assert child.is_running()
        parent.kill()
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_it_is_the_command_itself() -> None:
    with subprocess.Popen(
        tethered.words(["sh", "-c", "echo $$; exit 7"]), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert int(process.stdout.read()) == process.pid
    assert process.returncode == 7
    status = subprocess.run(
        tethered.words(["grep", "SigIgn", "/proc/self/status"]), capture_output=True, text=True, check=True
    )
    ignored = int(status.stdout.split()[1], 16)
    assert not ignored & (1 << (signal.SIGPIPE - 1))


def test_what_cannot_be_run_is_said(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    ended = subprocess.run(tethered.words([str(broken)]), capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (
        126,
        f"oneshot: {str(broken)!r} cannot be run: No such file or directory\n",
    )


def test_a_parent_that_is_gone_already() -> None:
    gone = [word if word != str(os.getpid()) else "1" for word in tethered.words(["echo", "ran"])]
    ended = subprocess.run(gone, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (143, "")

"""What a killed orchestrator's local sandboxes leave: processes and folders."""

import os
import subprocess
import sys
from pathlib import Path

from oneshot_orchestrator import tidy


def test_processes_and_folders_go(tmp_path: Path) -> None:
    sandbox = tmp_path / "state" / "sandboxes" / "run-agent"
    (sandbox / "tree").mkdir(parents=True)
    (sandbox / "tree").chmod(0o500)
    mark = {"ONESHOT_SANDBOX": "owner-of-this-test/run/agent"}
    left = subprocess.Popen(["sleep", "60"], env=os.environ | mark)
    other = subprocess.Popen(["sleep", "60"], env=os.environ | {"ONESHOT_SANDBOX": "somebody-else/run/agent"})
    try:
        arguments = ["owner-of-this-test", str(tmp_path / "state")]
        subprocess.run([sys.executable, "-m", "oneshot_orchestrator.tidy", *arguments], check=True, timeout=30)
        assert left.wait(5) == -9
        assert other.poll() is None
        assert not (tmp_path / "state" / "sandboxes").exists()
        tidy.main(*arguments)  # nothing left to do
    finally:
        other.kill()
        other.wait()
        left.wait()

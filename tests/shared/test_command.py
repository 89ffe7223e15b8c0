"""Programs that answer, fail, hang, or are not there."""

import secrets
import subprocess
import time
from pathlib import Path

import pytest

from oneshot_shared.command import Answer, ask


def test_an_answer() -> None:
    assert ask(["sh", "-c", "echo out; echo err >&2"]) == Answer(0, "out", "err")
    assert ask(["sh", "-c", 'echo "$X"'], env={"X": "1"}).out == "1"
    assert ask(["cat"]).out == "", "standard input is closed"


@pytest.mark.parametrize(
    ("script", "words"), [("echo a; echo b >&2; exit 3", "b"), ("echo a; exit 3", "a"), ("exit 3", "exit code 3")]
)
def test_a_failure(script: str, words: str) -> None:
    answer = ask(["sh", "-c", script])
    assert (answer.good, answer.code, answer.last_words) == (False, 3, words)


def test_what_cannot_be_run(tmp_path: Path) -> None:
    assert ask(["no-such-program"]).last_words == "there is no no-such-program command"
    file = tmp_path / "f"
    file.write_bytes(b"\x7fELF")
    assert ask([str(file)]).why == f"{file} cannot be run (permission denied)"
    file.chmod(0o755)
    assert ask([str(file)]).why == f"{file} cannot be run (exec format error)"


def test_one_that_hangs_is_killed_with_its_children() -> None:
    sleep = f"sleep 97.{secrets.randbelow(10**9):09}"
    begun = time.monotonic()
    answer = ask(["sh", "-c", f"{sleep} & {sleep}"], 0.3)
    assert answer.why.endswith("does not answer within 0.3 s")
    assert time.monotonic() - begun < 5
    left = subprocess.run(["pgrep", "-f", f"^{sleep}"], capture_output=True, check=False)
    assert left.stdout == b""

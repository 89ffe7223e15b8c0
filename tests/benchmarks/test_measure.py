"""Taken in turn, and told in one line each."""

import subprocess
import sys

from benchmarks import programs

PROGRAM = """
import asyncio, sys
sys.path.insert(0, {folder!r})
import measure
from oneshot_shared.errors import NotReady
log = []
async def ours(): log.append("o"); await asyncio.sleep(0.02)
async def floor(): log.append("f"); await asyncio.sleep(0.01)
async def measured(repeat):
    {body}
    found = [await measure.interleaved("it", ours, floor, repeat)]
    print("".join(log), file=sys.stderr)
    return found
measure.main("A benchmark.", 5, measured)
"""


def program(*arguments: str, body: str = "pass") -> "subprocess.CompletedProcess[str]":
    source = PROGRAM.format(folder=str(programs.FOLDER), body=body)
    return subprocess.run([sys.executable, "-c", source, *arguments], capture_output=True, text=True, check=False)


def test_they_take_turns() -> None:
    done = program("--json", "--repeat", "3")
    assert (done.returncode, done.stderr) == (0, "offoof\n")
    found = programs.judged(done.stdout)["it"]
    assert found["n"] == 3
    assert found["ratio"] > 1
    assert program("--json").stderr == "offoof" + "foof\n"


def test_a_person_gets_a_table() -> None:
    head, row = program().stdout.splitlines()
    assert head.split() == ["ours", "floor", "ratio", "n"]
    assert (row.split()[0], row.split()[-1]) == ("it", "5")


def test_what_cannot_be_measured_is_one_sentence() -> None:
    done = program(body="raise NotReady('no engine')")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(": no engine\n")
    for wrong in ("0", "-1", "x", ""):
        assert program("--repeat", wrong).returncode == 2


def test_an_interrupt_is_no_traceback() -> None:
    done = program(body="import signal; signal.raise_signal(signal.SIGTERM)")
    assert (done.returncode, done.stdout) == (130, "")
    assert "Traceback" not in done.stderr

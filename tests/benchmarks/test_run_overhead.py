"""What the benchmark of runs prints, and that nothing is left of it; never how long it took."""

import asyncio
import signal
import subprocess
import time

import pytest

from benchmarks import programs
from oneshot_cli import places


def in_docker(*labels: str) -> list[str]:
    found = []
    for label in labels:
        for listing in (["ps", "--all"], ["network", "ls"]):
            command = ["docker", *listing, "--quiet", "--filter", f"label={label}"]
            found += subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return found


@pytest.mark.docker
@pytest.mark.timeout(600)
async def test_one_run_and_eight_are_measured() -> None:
    code, out, err = await programs.run("run_overhead.py", "--json", "--repeat", "1")
    assert (code, err) == (0, "")
    assert list(programs.judged(out)) == ["run_overhead_1", "run_overhead_8"]


@pytest.mark.docker
@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("whose", ["ours", "floor"])
async def test_interrupted_it_leaves_nothing(number: signal.Signals, whose: str) -> None:
    async with programs.started("run_overhead.py") as (process, folder):
        until = time.monotonic() + 120
        labels: list[str] = []
        while not labels or not in_docker(labels[whose == "floor"]):
            assert process.returncode is None
            assert time.monotonic() < until
            await asyncio.sleep(0.1)
            labels = [
                label
                for data in folder.glob("osb-*/data")
                for label in (f"dev.oneshot.owner={places.owner(data)}", f"dev.oneshot.bench={data.parent.name}")
            ]
        process.send_signal(number)
        out, err = await process.communicate()
        assert (process.returncode, out, err) == (130, b"", b"")
        assert in_docker(*labels) == []


async def test_without_docker_it_is_one_sentence_and_exit_code_2() -> None:
    code, out, err = await programs.run("run_overhead.py", DOCKER_HOST="unix:///nonexistent.sock")
    assert (code, out) == (2, "")
    (sentence,) = err.splitlines()
    assert "no Docker engine answers" in sentence

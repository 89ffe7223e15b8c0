"""Processes as a sandbox's: pipes, and who is found and killed."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from oneshot_orchestrator.backends.local_processes import MARK, NotStarted, Pipe, environ, kill_all, start
from orchestrator import harness
from orchestrator.backends.contract.bench import SLEEP


async def test_a_pipe_delivers_until_it_is_released() -> None:
    got = bytearray()
    pipe = Pipe(got.extend)
    os.write(pipe.writing, b"first")
    await asyncio.sleep(0.02)
    pipe.release()
    os.write(pipe.writing, b"second" * 5000)  # whoever writes does not notice
    await asyncio.sleep(0.02)
    assert (got, pipe.closed) == (b"first", False)
    os.close(pipe.writing)
    await asyncio.wait_for(pipe.ended, 1)
    assert pipe.closed
    pipe.close()


async def test_what_a_sink_raises_is_kept() -> None:
    def sink(_: bytes) -> None:
        raise OSError("full")

    pipe = Pipe(sink)
    os.write(pipe.writing, b"x")
    with pytest.raises(OSError, match="full"):
        await asyncio.wait_for(pipe.failed, 1)
    os.close(pipe.writing)
    await asyncio.wait_for(pipe.ended, 1)


async def test_what_the_system_does_not_start_leaves_no_pipe_open(tmp_path: Path) -> None:
    pipes = Pipe(print), Pipe(print), Pipe(print)
    with pytest.raises(NotStarted, match="No such file"):
        await start(["true"], cwd=str(tmp_path / "gone"), env={}, largest=1, pipes=pipes)
    await asyncio.wait_for(asyncio.gather(*(pipe.ended for pipe in pipes)), 1)


def test_all_of_a_mark_or_a_place_die_and_nobody_else(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    sleep = ["sleep", SLEEP]
    victims = [
        subprocess.Popen(sleep, env=environ() | {MARK: "me/run-1/agent"}, start_new_session=True),
        subprocess.Popen(sleep, env={}, cwd=tmp_path / "in", start_new_session=True),
        subprocess.Popen(
            ["sh", "-c", f"env -i setsid sleep {SLEEP} & wait"], env={MARK: "me/"}, start_new_session=True
        ),
    ]
    other = subprocess.Popen(["sleep", "60"], env={MARK: "you/run-1/agent"}, cwd=tmp_path.parent)
    kill_all("me/", tmp_path)
    assert [victim.wait(1) for victim in victims] == [-9] * 3
    assert harness.marked(SLEEP) == []
    assert other.poll() is None
    other.kill()
    other.wait()


def test_little_of_our_environment_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", harness.CANARY)
    monkeypatch.setenv("MORE", "1")
    assert environ("MORE")["MORE"] == "1"
    assert {"PATH"} <= environ().keys() <= {"PATH", "LANG", "LC_ALL", "TZ", *os.environ} - {"OPENAI_API_KEY", "MORE"}

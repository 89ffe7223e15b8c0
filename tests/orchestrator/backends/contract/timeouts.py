"""Time limits, stopping and cancelling: what is left of a command then."""

import asyncio
import time

import pytest

from oneshot_orchestrator.contract import Exit, Role
from orchestrator import harness
from orchestrator.backends.contract.bench import SLEEP, Box, fresh, shared

TIMED_OUT = Exit(-1, timed_out=True)
FLEEING = """
import os, sys, time
if os.fork():
    time.sleep(60)
while True:  # every few moments somebody else
    if os.fork():
        os._exit(0)
    time.sleep(0.001)
"""
SHEDDING = f"""
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.chdir("/")
        null = os.open("/dev/null", os.O_RDWR)
        for each in (0, 1, 2):
            os.dup2(null, each)
        os.execve("/bin/sleep", ["sleep", "{SLEEP}"], {{}})
    os._exit(0)
os.wait()
"""


async def _dies(box: Box, script: str, timeout: float = 0.7) -> None:
    before = time.monotonic()
    assert (await box.sh(script, timeout=timeout)).exit == TIMED_OUT
    assert time.monotonic() - before < timeout + 4
    assert harness.marked(SLEEP) == []


@shared
async def a_command_that_is_in_time_is_not_timed_out(box: Box) -> None:
    assert (await box.sh("sleep 0.2; exit 9", timeout=15)).exit == Exit(9)


@fresh
async def at_the_timeout_everything_dies_and_the_tree_stays(box: Box) -> None:
    await _dies(box, f"echo done > done.txt; (env -i setsid nohup sleep {SLEEP} > /dev/null 2>&1 &); sleep {SLEEP}")
    assert (await box.tree())[b"done.txt"] == ("file", b"done\n")


@fresh
async def who_ignores_signals_dies_at_the_timeout(box: Box) -> None:
    await _dies(box, f"trap '' HUP INT TERM QUIT PIPE ALRM USR1; sleep {SLEEP} & sleep {SLEEP}; sleep {SLEEP}")


@fresh
async def who_forked_twice_dies_at_the_timeout(box: Box) -> None:
    await _dies(box, f"(setsid sh -c 'sleep {SLEEP} & sleep {SLEEP} & wait' & ) & sleep {SLEEP}")


@fresh
async def a_stopped_process_dies_at_the_timeout(box: Box) -> None:
    await _dies(box, f"sleep {SLEEP} & kill -STOP $!; kill -STOP $$")


@fresh
async def who_prints_without_end_dies_at_the_timeout(box: Box) -> None:
    seen = 0

    def sink(chunk: bytes) -> None:
        nonlocal seen
        seen += len(chunk)

    before = time.monotonic()
    argv = ["sh", "-c", f"sleep {SLEEP} & yes; yes >&2"]
    assert await box.sandbox.run(argv, role=Role.AGENT, env={}, timeout=1, out=sink, err=sink) == TIMED_OUT
    assert time.monotonic() - before < 5
    assert harness.marked(SLEEP) == []
    assert seen > 1_000_000


@fresh
async def who_flees_by_forking_dies_at_the_timeout(box: Box) -> None:
    source = FLEEING.replace("60", SLEEP)
    before = time.monotonic()
    assert (await box.run("python3", "-c", source, timeout=1)).exit == TIMED_OUT
    assert time.monotonic() - before < 6
    await asyncio.sleep(0.2)
    assert harness.marked(SLEEP) == []


@fresh
async def who_shed_session_environment_and_place_dies_at_the_stop(box: Box) -> None:
    await box.python(SHEDDING)
    async with asyncio.timeout(5):
        while not harness.marked(f"sleep\0{SLEEP}"):  # noqa: ASYNC110 -- it becomes that
            await asyncio.sleep(0.02)
    await box.sandbox.stop()
    assert harness.marked(SLEEP) == []


@fresh
async def one_commands_timeout_ends_the_others_too(box: Box) -> None:
    other = asyncio.create_task(box.sh(f"echo mine; sleep {SLEEP}", timeout=60))
    await asyncio.sleep(0.4)
    await _dies(box, f"sleep {SLEEP}")
    async with asyncio.timeout(5):
        ran = await other
    assert (ran.exit, ran.out) == (Exit(137), b"mine\n")


@fresh
async def a_cancelled_command_leaves_no_process(box: Box) -> None:
    running = asyncio.create_task(box.sh(f"(setsid sleep {SLEEP} &) ; sleep {SLEEP}"))
    async with asyncio.timeout(10):
        while len(harness.marked(SLEEP)) < 3:  # noqa: ASYNC110 -- the shell and two sleeps
            await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert harness.marked(SLEEP) == []


@fresh
async def stopping_ends_a_command_and_twice_is_harmless(box: Box) -> None:
    running = asyncio.create_task(box.sh(f"sleep {SLEEP}", timeout=60))
    await asyncio.sleep(0.4)
    await asyncio.gather(box.sandbox.stop(), box.sandbox.stop())
    await box.sandbox.stop()
    async with asyncio.timeout(5):
        assert (await running).exit == Exit(137)
    assert harness.marked(SLEEP) == []

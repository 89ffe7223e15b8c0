"""What a command prints."""

import asyncio
import hashlib
import re
import time
from pathlib import Path

import pytest

from oneshot_orchestrator.contract import Exit, Role
from orchestrator import harness
from orchestrator.backends.contract.bench import MB, SLEEP, SOAK, Box, fresh, shared

FLOOD_BYTES = (1024 if SOAK else 192) * MB
BOUND_BYTES = 32 * MB
BYTES = "import sys; w = sys.stdout.buffer.write; w(bytes(range(256)) * 257); sys.stderr.buffer.write(bytes(range(255, -1, -1)) * 257)"
FLOOD = f"""
import os, sys
piece = bytes(range(256)) * 256
for _ in range({FLOOD_BYTES} // len(piece)):
    os.write(1, piece)
os.write(1, b"the tail")
"""


@shared
async def both_outputs_come_byte_for_byte_and_apart(box: Box) -> None:
    ran = await box.run("python3", "-c", BYTES)
    assert ran.exit == Exit(0)
    assert ran.out == bytes(range(256)) * 257
    assert ran.err == bytes(range(255, -1, -1)) * 257


@shared
async def output_is_neither_ended_nor_mended(box: Box) -> None:
    for text in (r"no newline", r"\303(", r"\000", r"\r\n\r", r"\033[0m\007\n\n"):
        ran = await box.sh(f"printf '{text}'; printf '{text}' >&2")
        expected = eval(f"b'{text}'")  # the shell's escapes are Python's
        assert (ran.exit, ran.out, ran.err) == (Exit(0), expected, expected)


@shared
async def a_silent_command_says_nothing(box: Box) -> None:
    ran = await box.run("true")
    assert (ran.exit, ran.out, ran.err) == (Exit(0), b"", b"")


@shared
async def last_words_before_a_sudden_end_arrive(box: Box) -> None:
    for _ in range(5):
        ran = await box.sh("head -c 900000 /dev/zero; kill -9 $$")
        assert (ran.exit, len(ran.out)) == (Exit(137), 900_000)


@shared
async def output_comes_while_the_command_runs(box: Box) -> None:
    out = bytearray()
    go = f"{box.sandbox.scratch}/go"
    argv = ["sh", "-c", f"echo first; while [ ! -e {go} ]; do sleep 0.05; done"]
    running = asyncio.create_task(
        box.sandbox.run(argv, role=Role.AGENT, env={}, timeout=20, out=out.extend, err=out.extend)
    )
    async with asyncio.timeout(4):
        while out != b"first\n":  # noqa: ASYNC110 -- filled by the sandbox
            await asyncio.sleep(0.01)
    assert not running.done()
    await box.says(f"touch {go}")
    assert await running == Exit(0)


@shared
async def a_flood_of_output_arrives_whole_and_our_memory_stays_small(box: Box) -> None:
    count, digest, tail = 0, hashlib.sha256(), b""

    def sink(chunk: bytes) -> None:
        nonlocal count, tail
        if count // (4 * MB) != (count + len(chunk)) // (4 * MB):
            time.sleep(0.02)  # slower than the command: whoever reads ahead of us fills our memory
        count, tail = count + len(chunk), (tail + chunk)[-8:]
        digest.update(chunk)

    before = _peak()
    ended = await box.sandbox.run(
        ["python3", "-c", FLOOD], role=Role.AGENT, env={}, timeout=170, out=sink, err=lambda _: None
    )
    assert (ended, tail, count) == (Exit(0), b"the tail", FLOOD_BYTES + 8)
    expected = hashlib.sha256()
    for _ in range(FLOOD_BYTES // 65536):
        expected.update(bytes(range(256)) * 256)
    expected.update(b"the tail")
    assert digest.digest() == expected.digest()
    assert _peak(reset=False) - before < BOUND_BYTES


def _peak(*, reset: bool = True) -> int:
    """The most memory that this process had at once, in bytes, since the last call with `reset`."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


@shared
async def a_command_that_closes_its_outputs_is_waited_for(box: Box) -> None:
    ran = await box.sh("echo last; exec >&- 2>&-; sleep 0.7; exit 4")
    assert (ran.exit, ran.out) == (Exit(4), b"last\n")


@fresh
async def a_daemon_that_holds_the_pipe_does_not_hold_the_command(box: Box) -> None:
    before = time.monotonic()
    ran = await box.sh(f"setsid sleep {SLEEP} & echo done")
    assert (ran.exit, ran.out) == (Exit(0), b"done\n")
    assert time.monotonic() - before < 4
    assert len(harness.marked(SLEEP)) >= 1
    assert (await box.sh("exit 3")).exit == Exit(3)


@fresh
async def a_daemon_that_goes_on_printing_goes_on(box: Box) -> None:
    daemon = f"while sleep 0.02; do echo more; touch {box.sandbox.scratch}/alive; done & sleep 0.1; echo done"
    assert (await box.sh(daemon)).exit == Exit(0)
    await box.says(f"rm -f {box.sandbox.scratch}/alive; sleep 0.5; ls {box.sandbox.scratch}/alive")


@fresh
async def a_sink_that_fails_ends_the_command_and_is_an_error(box: Box) -> None:
    def sink(_: bytes) -> None:
        raise OSError("no space left for a log")

    with pytest.raises(OSError, match="no space left for a log"):
        await box.sandbox.run(
            ["sh", "-c", f"echo x; sleep {SLEEP}"], role=Role.AGENT, env={}, timeout=20, out=sink, err=sink
        )
    assert harness.marked(SLEEP) == []

"""What a sandbox may use: no more than its share of processes, memory and disk."""

import time

from oneshot_orchestrator.contract import Exit
from orchestrator.backends.contract.bench import Bench, Box, fresh, own

FORKS = """
import os, signal, time
made = 0
try:
    for _ in range(1100):
        if os.fork() == 0:
            signal.pause()
        made += 1
except OSError as error:
    print("refused:", error.strerror)
print(made)
os.killpg(0, signal.SIGKILL)
"""


@fresh
async def processes_without_end_are_refused(box: Box) -> None:
    ran = await box.run("python3", "-u", "-c", FORKS)
    assert b"refused" in ran.out, ran.out
    assert (await box.sh("exit 3")).exit == Exit(3)


@own
async def memory_without_end_is_refused(bench: Bench) -> None:
    async with bench.box(resources={"memory_mb": 64}) as box:
        ran = await box.run("python3", "-c", "held = b'x' * (200 << 20); print('had it')")
        assert ran.out == b""
        assert ran.exit == Exit(137)
        assert (await box.sh("exit 3")).exit == Exit(3)


@own
async def who_fills_the_disk_is_stopped_and_the_tree_stays(bench: Bench) -> None:
    async with bench.box(resources={"storage_mb": 40}) as box:
        before = time.monotonic()
        script = 'echo 1 > mine; for n in 1 2 3; do head -c 20000000 /dev/zero > "$1/$n"; done; sleep 30'
        assert (await box.sh(script, box.sandbox.scratch)).exit == Exit(-1, disk_full=True)
        assert time.monotonic() - before < 15
        assert (await box.tree())[b"mine"] == ("file", b"1\n")


@own
async def one_file_is_no_larger_than_the_disk(bench: Bench) -> None:
    async with bench.box(resources={"storage_mb": 40}) as box:
        script = 'head -c 60000000 /dev/zero > "$1/big"; stat -c %s "$1/big"'
        assert int((await box.sh(script, box.sandbox.scratch)).out) == 40 << 20

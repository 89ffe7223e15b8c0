"""Several things at once."""

import asyncio

from oneshot_orchestrator.contract import Exit
from orchestrator.backends.contract.bench import SOAK, Bench, Box, own, shared

BATCHES = 50 if SOAK else 10  # of 16 commands
LINES = 20_000


@shared
async def eight_commands_at_once_keep_their_outputs_apart(box: Box) -> None:
    script = f'yes "$1" | head -n {LINES}; yes "err $1" | head -n {LINES} >&2; exit "$2"'
    words = [letter * 30 for letter in "abcdefgh"]
    ran = await asyncio.gather(*(box.sh(script, word, str(code)) for code, word in enumerate(words)))
    for code, (each, word) in enumerate(zip(ran, words, strict=True)):
        assert each.exit == Exit(code)
        assert each.out == f"{word}\n".encode() * LINES
        assert each.err == f"err {word}\n".encode() * LINES


@shared
async def short_commands_run_in_batches(box: Box) -> None:
    for batch in range(BATCHES):
        ran = await asyncio.gather(*(box.run("echo", f"{batch}.{number}") for number in range(16)))
        assert [each.out for each in ran] == [b"%d.%d\n" % (batch, number) for number in range(16)]
        assert {each.exit for each in ran} == {Exit(0)}


@shared
async def files_go_in_and_out_while_a_command_runs(box: Box) -> None:
    running = asyncio.create_task(box.sh("sleep 1; echo over"))
    folder = f"{box.sandbox.scratch}/meanwhile"
    await asyncio.gather(*(box.put({"f": b"%d" % number}, f"{folder}/{number}") for number in range(8)))
    assert b"README.md" in await box.tree()
    assert await box.says("cat $1/*/f; rm -r $1", folder) == "01234567"
    assert (await running).out == b"over\n"


@own
async def eight_sandboxes_at_once_work(bench: Bench) -> None:
    async def use(number: int) -> bytes:
        async with bench.box() as box:
            await box.put({"mine": b"%d" % number}, box.sandbox.tree)
            await box.says("cat mine >> README.md; rm mine")
            return (await box.tree())[b"README.md"][1]

    found = await asyncio.gather(*(use(number) for number in range(8)))
    assert [content[-1:] for content in found] == [b"%d" % number for number in range(8)]

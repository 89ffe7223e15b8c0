"""A sandbox from its making to its end, whatever comes between."""

import asyncio

import pytest

from orchestrator import harness
from orchestrator.backends.contract.bench import SLEEP, Bench, own

BACKGROUND = f"(setsid sleep {SLEEP} > /dev/null 2>&1 &)"


def _left(bench: Bench, run_id: str) -> list[str]:
    return [name for name in bench.leftovers() if run_id in name] + harness.marked(SLEEP)


@own
async def a_sandbox_is_gone_when_its_context_ends(bench: Bench) -> None:
    async with bench.box("ends-well") as box:
        await box.says(BACKGROUND)
        assert len(_left(bench, "ends-well")) >= 2
    assert _left(bench, "ends-well") == []


@own
async def a_sandbox_is_gone_after_an_error(bench: Bench) -> None:
    async def use() -> None:
        async with bench.box("ends-badly") as box:
            await box.says(BACKGROUND)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await use()
    assert _left(bench, "ends-badly") == []


@own
async def a_sandbox_is_gone_when_its_user_is_cancelled(bench: Bench) -> None:
    async def use() -> None:
        async with bench.box("cancelled") as box:
            await box.sh(f"{BACKGROUND}; sleep {SLEEP}", timeout=60)

    using = asyncio.create_task(use())
    async with asyncio.timeout(20):
        while len(harness.marked(SLEEP)) < 3:  # noqa: ASYNC110 -- the shell and two sleeps
            await asyncio.sleep(0.05)
    using.cancel()
    with pytest.raises(asyncio.CancelledError):
        await using
    assert _left(bench, "cancelled") == []


@own
async def a_sandbox_is_gone_when_cancelled_while_it_is_made(bench: Bench) -> None:
    async def use() -> None:
        async with bench.box("too-early"):
            await asyncio.sleep(60)

    for pause in (0, 0.005, 0.03, 0.1, 0.3):
        using = asyncio.create_task(use())
        await asyncio.sleep(pause)
        using.cancel()
        with pytest.raises(asyncio.CancelledError):
            await using
        assert _left(bench, "too-early") == []


@own
async def a_sandbox_is_removed_whatever_is_in_it(bench: Bench) -> None:
    async with bench.box("hard-to-remove") as box:
        await box.python("import os\nfor _ in range(1500):\n    os.mkdir('deep')\n    os.chdir('deep')")
        await box.says(
            "mkdir -p shut/in; touch shut/in/f; chmod 0 shut/in; chmod 500 shut; ln -s / root; mkfifo p; chmod 0 ."
        )
    assert _left(bench, "hard-to-remove") == []


@own
async def a_run_id_has_up_to_eighty_letters(bench: Bench) -> None:
    run_id = "long-" + "x" * 75
    async with bench.box(run_id, purpose="verify-solution") as box:
        assert await box.says("echo here") == "here\n"
    assert _left(bench, run_id) == []


@own
async def a_run_has_sandboxes_of_several_purposes_at_once(bench: Bench) -> None:
    async with bench.box("one-run", purpose="agent") as one, bench.box("one-run", purpose="verify-nop") as two:
        await one.says("rm README.md")
        assert "README.md" in await two.says("ls")
        await one.sandbox.stop()
        assert await two.says("echo alive") == "alive\n"
    assert _left(bench, "one-run") == []

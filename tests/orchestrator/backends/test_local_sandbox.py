"""Folders and processes as sandboxes: how one is made and removed. What every sandbox does is in contract/."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oneshot_orchestrator.backends.local import LocalBackend
from oneshot_orchestrator.contract import Exit
from orchestrator import harness
from orchestrator.backends import contract
from orchestrator.backends.contract.bench import SLEEP


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[contract.Bench]:
    backend = LocalBackend(harness.settings(tmp_path), tmp_path / "state")
    async with contract.bench(backend, tmp_path, 0, list) as made:
        yield made
    await backend.close()


async def test_who_kills_its_init_has_ended_with_all_others(bench: contract.Bench) -> None:
    async with bench.box() as box:
        ran = await box.sh(f"sleep {SLEEP} & (setsid sleep {SLEEP} &) ; kill -9 $PPID; sleep {SLEEP}")
        assert ran.exit == Exit(137)
        assert harness.marked(SLEEP) == []
        assert (await box.sh("exit 3")).exit == Exit(3)


async def test_where_the_tree_is_gone_nothing_can_be_run(bench: contract.Bench) -> None:
    async with bench.box() as box:
        shutil.rmtree(box.sandbox.tree)
        ran = await box.run("true")
        assert (ran.exit, ran.err.startswith(b"true cannot be run: ")) == (Exit(127), True)


async def test_words_that_no_command_line_can_hold_are_a_result(bench: contract.Bench) -> None:
    async with bench.box() as box:
        ran = await box.run("true", "x" * 200_000)
        assert (ran.exit, b"too long" in ran.err) == (Exit(127), True)

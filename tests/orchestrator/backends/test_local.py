"""Environments and sandboxes on this machine."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oneshot_orchestrator.backends.local import LocalBackend
from oneshot_orchestrator.contract import Environment, SandboxSpec
from oneshot_shared.errors import BadInput
from oneshot_shared.task import load
from orchestrator import harness

SLEEP = "42086.5"


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[LocalBackend]:
    made = LocalBackend(harness.settings(tmp_path, owner="test-local"), tmp_path / "state")
    yield made
    await made.close()
    assert harness.marked(SLEEP) == []
    assert not (tmp_path / "state" / "sandboxes").exists()


async def build(local: LocalBackend, task: Path) -> Environment:
    return await local.build(load(task), lambda _: None, task.parent / "log", agent_files=True)


async def test_an_environment_is_built_once_for_each_content(local: LocalBackend, tmp_path: Path) -> None:
    setup = (
        f'[["sh", "-c", "echo ran >> {tmp_path}/ran; echo made > {{tree}}/made.txt; echo $ONESHOT_SECRET > {{env}}/x"]]'
    )
    task = harness.task(tmp_path, setup=setup)
    first = await build(local, task)
    assert await build(local, task) == first
    assert (tmp_path / "ran").read_text() == "ran\n"
    assert (first.folder / "base" / "made.txt").read_text() == "made\n"
    (task / "environment" / "repo" / "new.txt").touch()
    assert (await build(local, task)).folder != first.folder
    assert (await local.open_slot(0)).gateway_url(7) == "http://127.0.0.1:7/v1"


async def test_a_setup_takes_no_longer_than_it_may_and_leaves_no_daemon(local: LocalBackend, tmp_path: Path) -> None:
    setup = f'[["sh", "-c", "(env -i setsid sleep {SLEEP} &) ; sleep {SLEEP}"]]'
    task = harness.task(tmp_path, setup=setup, toml=("build_timeout_sec = 600", "build_timeout_sec = 1"))
    with pytest.raises(BadInput, match=r"took longer than 1 s\. Its last lines"):
        await build(local, task)
    assert harness.marked(SLEEP) == []


async def test_a_base_that_brings_a_repository_along(local: LocalBackend, tmp_path: Path) -> None:
    task = harness.task(tmp_path)
    nested = task / "environment" / "repo" / "vendor"
    nested.mkdir()
    for folder in (nested, nested.parent):
        (folder / ".git").mkdir()
        (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (nested / "x.txt").touch()
    environment = await build(local, task)
    assert (environment.folder / "base" / "vendor" / "x.txt").exists()
    assert not list((environment.folder / "base").rglob(".git"))


async def test_a_new_process_ends_what_the_old_one_left(local: LocalBackend, tmp_path: Path) -> None:
    environment = await build(local, harness.task(tmp_path))
    left = local.sandbox(environment, SandboxSpec("left", "agent"))
    sandbox = await left.__aenter__()
    running = asyncio.create_task(
        sandbox.run(
            ["sleep", SLEEP], role=harness.AGENT, env={}, timeout=60, out=bytearray().extend, err=bytearray().extend
        )
    )
    while len(harness.marked(SLEEP)) < 2:  # noqa: ASYNC110 -- it and its init
        await asyncio.sleep(0.01)
    other = LocalBackend(harness.settings(tmp_path, owner="test-loc"), tmp_path / "other")
    await other.reap()
    assert len(harness.marked(SLEEP)) == 2  # another owner's, with its init
    again = LocalBackend(harness.settings(tmp_path, owner="test-local"), tmp_path / "state")
    await again.reap()
    assert harness.marked(SLEEP) == []
    assert not (tmp_path / "state" / "sandboxes").exists()
    assert (await running).code != 0
    await left.__aexit__(None, None, None)

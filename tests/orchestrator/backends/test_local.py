"""Environments and sandboxes on this machine."""

import asyncio
import secrets
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oneshot_orchestrator.backends.local import LocalBackend
from oneshot_orchestrator.contract import Environment, Sandbox, SandboxSpec
from oneshot_shared.errors import BadInput, NotReady
from oneshot_shared.task import load
from orchestrator import harness, trees

SLEEP = harness.sleep_length()
OWNER = f"test-{secrets.token_hex(4)}"


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[LocalBackend]:
    made = LocalBackend(harness.settings(tmp_path, owner=OWNER), tmp_path / "state")
    yield made
    await made.close()
    assert harness.marked(SLEEP) == []
    assert not (tmp_path / "state" / "sandboxes").exists()


async def build(local: LocalBackend, task: Path) -> Environment:
    async with local.build(load(task), lambda _: None, task.parent / "log", agent_files=True) as environment:
        return environment


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


async def test_what_an_agent_does_to_its_environment_ends_with_its_sandbox(local: LocalBackend, tmp_path: Path) -> None:
    task = harness.task(
        tmp_path,
        setup='[["sh", "-c", "echo good > {env}/word"]]',
        toml=('PYTHONDONTWRITEBYTECODE = "1"', 'WORD = "{env}/word"'),
    )
    environment = await build(local, task)

    async def said(sandbox: Sandbox, command: str) -> str:
        out = bytearray()
        argv = ["sh", "-c", command]
        await sandbox.run(argv, role=harness.AGENT, env={}, timeout=9, out=out.extend, err=out.extend)
        return out.decode()

    async with local.sandbox(environment, SandboxSpec("one", "agent")) as one:
        for command in ("echo bad > $WORD", "touch -r $0 $WORD", f"echo x >> {environment.folder}/base/README.md"):
            await said(one, command)
        async with local.sandbox(environment, SandboxSpec("two", "agent")) as two:
            assert await said(two, "cat $WORD; tail -n 1 README.md | grep x") == "good\n"
        assert await said(one, "cat $WORD") == "bad\n"
    again = await build(local, task)
    assert again.folder != environment.folder
    assert not environment.folder.exists()
    await local.reap()
    assert await build(local, task) == again


async def test_what_is_made_anew_for_a_run_speaks_to_that_run_and_its_failure_is_not_the_tasks(
    local: LocalBackend, tmp_path: Path
) -> None:
    online = tmp_path / "online"
    online.touch()
    task, said = load(harness.task(tmp_path, setup=f'[["ls", "{online}"]]')), dict[str, list[str]](a=[], b=[])
    for run in said:
        (tmp_path / run).mkdir()
    builds = [local.build(task, said[run].append, tmp_path / run / "build.log", agent_files=False) for run in said]
    async with builds[0] as a, builds[1] as b:
        pass
    shutil.rmtree(tmp_path / "b")
    assert a == b
    (a.folder / "base" / "README.md").unlink()
    async with local.sandbox(a, SandboxSpec("a", "agent")) as sandbox:
        assert (Path(sandbox.tree) / "README.md").is_file()
    assert (len(said["a"]), said["b"]) == (2, [])
    online.unlink()
    for readme in tmp_path.glob("state/environments/local/*/base/README.md"):
        readme.unlink()
    with pytest.raises(NotReady, match="setup that worked before fails now; submit the run again"):
        await local.sandbox(a, SandboxSpec("a", "verify-solution")).__aenter__()


async def test_a_cancelled_build_leaves_its_place_to_the_next(
    local: LocalBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = []

    def slowly(source: str, place: str) -> None:
        time.sleep(0.1)
        copied.append(shutil.copy2(source, place))

    task = harness.task(tmp_path)
    monkeypatch.setattr(shutil.copytree, "__defaults__", (False, None, slowly, False, False))
    building = asyncio.create_task(build(local, task))
    while not list((tmp_path / "state").rglob("base/*")):  # noqa: ASYNC110 -- a thread copies
        await asyncio.sleep(0.01)
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    by_then = len(copied)
    await asyncio.sleep(0.3)
    assert len(copied) == by_then
    monkeypatch.undo()
    environment = await build(local, task)
    assert trees.read(environment.folder / "base") == trees.read(task / "environment" / "repo")


async def test_a_brace_that_is_no_placeholder_stays(local: LocalBackend, tmp_path: Path) -> None:
    setup = """[["sh", "-c", "echo '{} {0} {x!r} ${HOME:+home} {tree}' > {env}/said"]]"""
    task = harness.task(tmp_path, setup=setup, toml=('PYTHONDONTWRITEBYTECODE = "1"', 'ODD = "{} {0} {tree}"'))
    environment = await build(local, task)
    said = (environment.folder / "env" / "said").read_text()
    assert said == f"{{}} {{0}} {{x!r}} ${{HOME:+home}} {environment.folder}/base\n"
    out = bytearray()
    async with local.sandbox(environment, SandboxSpec("odd", "agent")) as sandbox:
        await sandbox.run(
            ["sh", "-c", "echo $ODD"], role=harness.AGENT, env={}, timeout=9, out=out.extend, err=out.extend
        )
        assert out.decode() == f"{{}} {{0}} {sandbox.tree}\n"


async def test_a_link_out_of_the_tree_is_left_out_of_the_base_and_said(local: LocalBackend, tmp_path: Path) -> None:
    setup = '[["sh", "-c", "cd {tree}; mkdir d; ln -s {env} out; ln -s ../.. d/up; ln -s ../README.md d/in; ln -s /etc d/etc"]]'
    environment = await build(local, harness.task(tmp_path, setup=setup))
    base = environment.folder / "base"
    assert [path for path in base.rglob("*") if path.is_symlink()] == [base / "d" / "in"]
    log = (tmp_path / "log").read_text()
    assert [name for name in ("out", "d/up", "d/in", "d/etc") if f"left out of the tree: {name}, a link" in log] == [
        "out",
        "d/up",
        "d/etc",
    ]


async def test_an_indexs_password_reaches_the_setup_and_no_sandbox(
    local: LocalBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "HTTPS_PROXY")
    for name in names:
        monkeypatch.setenv(name, "https://user:s3cret@index.invalid/simple")
    environment = await build(local, harness.task(tmp_path, setup=f'[["sh", "-c", "env > {tmp_path}/setup"]]'))
    assert (tmp_path / "setup").read_text().count("s3cret") == len(names)
    out = bytearray()
    async with local.sandbox(environment, SandboxSpec("secret", "agent")) as sandbox:
        await sandbox.run(["env"], role=harness.AGENT, env={}, timeout=9, out=out.extend, err=out.extend)
    assert b"PATH=" in out
    assert b"s3cret" not in out


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
    other = LocalBackend(harness.settings(tmp_path, owner=OWNER[:-1]), tmp_path / "other")
    await other.reap()
    assert len(harness.marked(SLEEP)) == 2  # another owner's, with its init
    again = LocalBackend(harness.settings(tmp_path, owner=OWNER), tmp_path / "state")
    await again.reap()
    assert harness.marked(SLEEP) == []
    assert not (tmp_path / "state" / "sandboxes").exists()
    assert (await running).code != 0
    await left.__aexit__(None, None, None)

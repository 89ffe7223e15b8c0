"""Runs in slots: queue, cancellation, and an end for every run, whatever happened to it."""

import asyncio
import errno
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot_orchestrator import scheduler
from oneshot_orchestrator.backends.local import LocalBackend
from oneshot_orchestrator.scheduler import Scheduler
from oneshot_shared.errors import NotReady
from orchestrator import harness
from orchestrator.harness import FAIL, INFRA, INVALID, PASS, SOLVE, Stack
from orchestrator.test_verify import with_test

SLEEP = harness.sleep_length()
CANCELLED, FINISHED = pb.RUN_STATE_CANCELLED, pb.RUN_STATE_FINISHED


def slow(task: Path, step: pb.Step) -> dict[str, Any]:
    """Make a task that stays at a step for ever."""
    if step == pb.STEP_BUILD:
        toml = (task / "task.toml").read_text()
        (task / "task.toml").write_text(toml.replace("setup = []", f'setup = [["sh", "-c", "sleep {SLEEP}"]]'))
        (task / "environment" / "Dockerfile").write_text(
            f"FROM python:3.13-slim-trixie\nRUN sleep {SLEEP}; echo {time.time()}\n"
        )
    if step == pb.STEP_VERIFY:
        with_test(
            task,
            f"\n\ndef test_slow():\n    import subprocess\n    subprocess.run(['sleep', '{SLEEP}'])\n",
            "test_slow",
        )
    command = f"{SOLVE}; setsid nohup sleep {SLEEP} & sleep {SLEEP}" if step == pb.STEP_AGENT else SOLVE
    return {"agent": "command", "command": command}


async def cancelled(stack: Stack, run_id: str = "run-1") -> None:
    """Cancel, and see that everything is gone at once."""
    before = time.monotonic()
    run = await stack.cancel(run_id)
    took = time.monotonic() - before
    assert (run.state, run.HasField("grade")) == (CANCELLED, False)
    assert took < 3
    async with asyncio.timeout(5):
        while harness.marked(SLEEP):  # noqa: ASYNC110 -- BuildKit needs a moment to hear of it
            await asyncio.sleep(0.02)
    assert list((stack.data / "state" / "scratch").iterdir()) == []
    if run.request.backend == "docker":
        assert harness.in_docker(stack.settings.owner, slots=False) == []
    else:
        assert not list((stack.data / "state").glob("sandboxes/*"))
    assert stack.scheduler.busy() == ""


@pytest.mark.parametrize("step", [pb.STEP_BUILD, pb.STEP_SANDBOX, pb.STEP_AGENT, pb.STEP_VERIFY], ids=pb.Step.Name)
async def test_a_run_cancelled_at_any_step_leaves_nothing(
    stack: Stack, hello: Path, backend: str, step: pb.Step
) -> None:
    await stack.submit(hello, backend=backend, **slow(hello, step))
    await stack.at(step)
    if step in (pb.STEP_AGENT, pb.STEP_VERIFY, pb.STEP_BUILD):
        async with asyncio.timeout(30):
            while not harness.marked(SLEEP):  # noqa: ASYNC110 -- another process starts it
                await asyncio.sleep(0.05)
    await cancelled(stack)
    run = await stack.end()
    assert run.state == CANCELLED
    assert [event.detail for event in stack.events["run-1"] if event.phase == pb.PHASE_FAILED] == ["cancelled"]
    assert stack.events["run-1"][-1].step == pb.STEP_RECORD
    assert (await stack.cancel()).state == CANCELLED


async def test_a_run_cancelled_in_the_queue_never_starts(tmp_path: Path, hello: Path) -> None:
    async with harness.stack(tmp_path / "data", slots=1) as stack:
        await stack.submit(hello, **slow(hello, pb.STEP_AGENT))
        await stack.at(pb.STEP_AGENT)
        await stack.submit(hello, run_id="run-2")
        await stack.submit(hello, run_id="run-3")
        await stack.at(pb.STEP_QUEUE, "run-2")
        assert (await stack.cancel("run-2")).state == CANCELLED
        assert stack.scheduler.busy() == "2 runs"
        await stack.cancel()
        assert (await stack.end("run-3")).state == FINISHED  # the slot is free again
        assert (await stack.end("run-2")).started_at == ""


@pytest.mark.docker
async def test_a_slot_whose_making_was_cancelled_is_there_for_the_next_run(tmp_path: Path, hello: Path) -> None:
    async with harness.stack(tmp_path / "data", slots=1) as stack:
        for number, pause in enumerate((0, 0.05, 0.15, 0.3, 0.45)):
            await stack.submit(hello, "nop", "docker", run_id=f"c-{number}")
            await asyncio.sleep(pause)
            assert (await stack.cancel(f"c-{number}")).state == CANCELLED
        assert (await stack.run(hello, "nop", "docker")).grade.verdict == FAIL


async def test_a_run_that_ended_stays_as_it_is(stack: Stack, hello: Path) -> None:
    await stack.run(hello, "oracle")
    assert (await stack.cancel()).grade.verdict == PASS


async def test_a_run_cancelled_before_its_first_step_has_an_end(stack: Stack, hello: Path) -> None:
    digest = await stack.put(hello)
    request = pb.SubmitRunRequest(run_id="run-1", task_digest=digest, agent=pb.Agent(name="nop"), backend="local")
    await stack.scheduler.submit(request)  # without a turn of the loop in between
    assert (await stack.scheduler.cancel("run-1")).state == CANCELLED


async def test_an_attached_run_that_nobody_watches_is_cancelled(tmp_path: Path, hello: Path) -> None:
    async with harness.stack(tmp_path / "data", slots=3, watch_grace_seconds=0.5) as stack:
        for run_id, attached in (("alone", True), ("watched", True), ("detached", False)):
            await stack.submit(hello, run_id=run_id, attached=attached, **slow(hello, pb.STEP_AGENT))
        watching = asyncio.create_task(stack.end("watched"))
        async with asyncio.timeout(5):
            assert (await anext_run(stack, "alone")).state == CANCELLED
        await asyncio.sleep(1)
        assert sorted(stack.scheduler._at_work) == ["detached", "watched"]
        watching.cancel()
        async with asyncio.timeout(5):
            assert (await anext_run(stack, "watched")).state == CANCELLED
            while sorted(stack.scheduler._at_work) != ["detached"]:  # noqa: ASYNC110 -- it leaves a moment after its end
                await asyncio.sleep(0.01)


async def anext_run(stack: Stack, run_id: str) -> pb.Run:
    """A run's end, seen without watching it."""
    while not (run := stack.scheduler.get(run_id)).ended_at:  # noqa: ASYNC110 -- watching would keep it going
        await asyncio.sleep(0.05)
    return run


async def test_closing_ends_every_run(tmp_path: Path, hello: Path) -> None:
    async with harness.services(tmp_path / "data") as (proxy, grader, _):
        async with harness.orchestrator(tmp_path / "data", proxy, grader, slots=1) as stack:
            for run_id in ("a", "b"):
                await stack.submit(hello, run_id=run_id, **slow(hello, pb.STEP_AGENT))
            await stack.at(pb.STEP_AGENT, "a")
        async with harness.orchestrator(tmp_path / "data", proxy, grader) as stack:
            assert [run.state for run in stack.scheduler.store.newest(5)] == [CANCELLED, CANCELLED]
    assert harness.marked(SLEEP) == []


async def test_nothing_is_accepted_while_it_closes(stack: Stack, hello: Path) -> None:
    digest = await stack.put(hello)
    stack.scheduler._closing = True
    request = pb.SubmitRunRequest(run_id="late", task_digest=digest, agent=pb.Agent(name="nop"), backend="local")
    with pytest.raises(NotReady, match="the orchestrator is stopping; submit the run again when it is back"):
        await stack.stub.SubmitRun(request)
    assert stack.scheduler.store.get("late") is None


async def test_a_slot_is_free_again_although_the_journal_cannot_be_written(
    stack: Stack, hello: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = stack.scheduler.store.append

    def full(run_id: str, event: pb.RunEvent) -> None:
        if (event.step, event.phase) == (pb.STEP_QUEUE, pb.PHASE_FINISHED):
            raise sqlite3.OperationalError("database or disk is full")
        append(run_id, event)

    monkeypatch.setattr(stack.scheduler.store, "append", full)
    for number in range(stack.settings.slots + 1):
        run = await stack.run(hello, run_id=f"run-{number}")
        assert run.grade.verdict == INVALID
    monkeypatch.undo()
    assert (await stack.run(hello, "oracle", run_id="last")).grade.verdict == PASS


DEEP = "import os\nfor _ in range({}):\n    os.mkdir('d')\n    os.chdir('d')\n    open('a', 'w').close()\n"


@pytest.mark.parametrize("levels", [1200, 2500])
async def test_folders_too_deep_are_left_out_and_leave_nothing(
    tmp_path: Path, hello: Path, backend: str, levels: int
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))  # as in an ordinary login
    try:
        for run_id in ("run-1", "run-2"):
            async with harness.stack(tmp_path / "data") as stack:
                command = f'{SOLVE}; python3 -c "{DEEP.format(levels)}"'
                run = await stack.run(hello, "command", backend, command, run_id)
                assert run.grade.verdict == PASS
                assert any("lies deeper than 500 folders" in note for note in run.notes), run.notes
                assert not list((stack.data / "state" / "scratch").iterdir())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_an_engine_that_hangs_does_not_keep_it_from_starting(
    tmp_path: Path, hello: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "_REAP_SECONDS", 0.5)
    (tmp_path / "data" / "state" / "backends").mkdir(parents=True)
    (tmp_path / "data" / "state" / "backends" / "docker").touch()
    with tempfile.TemporaryDirectory(prefix="osb-") as place, socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(f"{place}/docker.sock")
        deaf.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{place}/docker.sock")
        async with asyncio.timeout(30):
            async with harness.stack(tmp_path / "data") as stack:
                assert (await stack.run(hello, "oracle")).grade.verdict == PASS
        assert (tmp_path / "data" / "state" / "backends" / "docker").exists(), "what it left is still to be removed"


async def test_it_starts_although_what_an_earlier_process_left_cannot_be_removed(
    tmp_path: Path, hello: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: object) -> None:
        raise OSError(errno.EBUSY, "busy")

    async with harness.stack(tmp_path / "data") as stack:
        await stack.submit(hello, **slow(hello, pb.STEP_AGENT))
        await stack.at(pb.STEP_AGENT)
        monkeypatch.setattr(LocalBackend, "reap", broken)
        again = Scheduler(stack.settings, stack.scheduler._services)
        await again.start()
        monkeypatch.undo()
        assert again.get("run-1").grade.verdict == INVALID
        await again.close()


async def test_a_backend_that_was_not_closed_is_reaped_at_the_start(tmp_path: Path) -> None:
    """Also where every run has its end: a start that came before may have found no engine."""
    data, owner = tmp_path / "data", "test-reaped"
    async with harness.stack(data, owner=owner) as stack:
        await stack.scheduler.backend("local")
        (mark,) = (data / "state" / "backends").iterdir()
        assert mark.name == "local"
    assert not mark.exists()
    mark.touch()
    left = data / "state" / "sandboxes" / "x"
    left.mkdir(parents=True)
    with subprocess.Popen(["sleep", SLEEP], cwd=left) as process:  # noqa: ASYNC220 -- it only has to be there
        async with harness.stack(data, owner=owner):
            assert process.wait(5) == -signal.SIGKILL
            assert not left.exists()
    assert not mark.exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A data folder on a disk of 600 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600m", "none", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk takes the right to mount one")
    yield place
    subprocess.run(["umount", place], check=True)


async def test_a_disk_that_fills_up_during_a_run_ends_it_with_a_sentence(small_disk: Path, hello: Path) -> None:
    async with harness.stack(small_disk) as stack:
        command = "head -c 900M /dev/zero > ../../../fill; sleep 0.1; echo more"
        run = await stack.run(hello, "command", command=command)
        assert (run.grade.verdict, run.grade.blame) == (INVALID, INFRA)
        assert "disk" in run.grade.reason or "space" in run.grade.reason
        os.truncate(small_disk / "state" / "fill", 0)
        assert (await stack.run(hello, "oracle", run_id="run-2")).grade.verdict == PASS
    async with harness.stack(small_disk) as stack:
        assert stack.scheduler.get("run-1").grade.verdict == INVALID

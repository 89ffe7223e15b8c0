"""The stack from its users' side: joined by the same build, replaced or refused for another; what a killed one leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from cli.harness import House, await_line, end, interrupt
from oneshot_cli import lifecycle, locks, supervisor
from oneshot_cli.stack import SERVICES, Stack

SLOW = ("run", "hello-world", "--agent", "command", "--command", "sleep 300", "--backend", "local")


@contextmanager
def taken(file: Path) -> Iterator[None]:
    """Hold a lock from this process."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locks.opened(file) as it:
        assert locks.take(it.fileno())
        yield


def _pretend(house: House, **other: str) -> None:
    ready = house.stack.ready_file
    ready.write_text(json.dumps(json.loads(ready.read_text()) | other))


def test_an_idle_stack_of_another_build_is_replaced_and_a_busy_one_refused(own_house: House) -> None:
    own_house("up")
    before = own_house.services()
    _pretend(own_house, build="0.0.9+other")
    assert own_house("runs", "list").code == 0
    after = own_house.services()
    assert not set(before.values()) & set(after.values())
    assert not any(psutil.pid_exists(pid) for pid in before.values())

    process = own_house.start(*SLOW)
    await_line(process, "agent at work")
    _pretend(own_house, build="0.0.9+other")
    assert own_house("runs", "list").code == 0, "its own runs stay visible"
    refused = own_house("run", "hello-world", "--agent", "nop", "--backend", "local")
    assert (refused.code, refused.out) == (2, "")
    assert refused.sentence == (
        f"a stack of another version (0.0.9+other) is at work on {own_house.data} (1 runs); wait for it "
        "with `oneshot runs watch`, or end it with `oneshot down --force`"
    )
    assert own_house.services() == after
    interrupt(process)
    assert end(process).code == 130


def test_other_settings_replace_an_idle_stack_and_a_busy_one_says_that_they_wait(own_house: House) -> None:
    own_house("up")
    first = own_house.services()
    other = {"ONESHOT_ORCHESTRATOR_SLOTS": "1"}
    again = own_house("up", **other)
    assert (again.code, again.sentence) == (
        0, "the stack is started again, with this command's ONESHOT_ORCHESTRATOR_SLOTS",
    )  # fmt: skip
    second = own_house.services()
    assert not set(first.values()) & set(second.values())
    assert psutil.Process(second["orchestrator"]).environ()["ONESHOT_ORCHESTRATOR_SLOTS"] == "1"
    assert own_house("up", ONESHOT_DATA=str(own_house.data), LC_ALL="C", **other).err == "", "no setting of the stack"
    assert own_house("trace", "list").err == ""
    assert own_house.services() == second, "a plain command joins what runs"
    process = own_house.start(*SLOW, **other)
    await_line(process, "agent at work")
    joined = own_house("up", DOCKER_HOST="unix:///nonexistent.sock")
    assert (joined.code, own_house.services()) == (0, second)
    assert joined.sentence == (
        "the stack is at work (1 runs) with another DOCKER_HOST than this command's, which applies once it is idle"
    )
    interrupt(process)
    assert end(process).code == 130


def test_one_data_folder_has_one_stack_whatever_the_shell(own_house: House) -> None:
    """An ssh login has XDG_RUNTIME_DIR, cron and su have not; sockets may be anywhere, the stack is the data's."""
    process = own_house.start(*SLOW)
    await_line(process, "agent at work")
    services = own_house.services()
    elsewhere = own_house.root / "x"
    elsewhere.mkdir(mode=0o700)
    shell = {"XDG_RUNTIME_DIR": str(elsewhere), "ONESHOT_RUNTIME": str(elsewhere)}
    listed = own_house("runs", "list", "--json", **shell)
    assert [run["state"] for run in listed.json] == ["RUN_STATE_RUNNING"]
    assert own_house.services() == services
    assert own_house("status", **shell).code == 0
    assert own_house("down", **shell).sentence.startswith("the stack is at work (1 runs)")
    assert own_house("down", "--force", **shell).out == "The stack is down.\n"
    assert end(process).code == 130


def test_another_users_stack_is_refused(own_house: House) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a file away")
    own_house("up")
    own_house("down")
    lock = own_house.state / "alive.lock"
    os.chown(lock, 12345, -1)
    try:
        for command in ("status", "up", "down"):
            assert own_house(command).sentence.startswith(f"{lock} belongs to user 12345")
    finally:
        os.chown(lock, os.getuid(), -1)


def test_a_command_that_comes_while_the_stack_leaves_starts_another(own_house: House) -> None:
    with taken(own_house.state / "alive.lock"):
        process = own_house.start("runs", "list")
        time.sleep(1.5)
        assert process.poll() is None
    ended = end(process)
    assert (ended.code, ended.out) == (0, "No runs yet; start with: oneshot demo\n"), ended


@pytest.mark.parametrize("pause", [0.2, 0.5, 0.8])
def test_a_command_beside_down_starts_another_stack(own_house: House, pause: float) -> None:
    own_house("up")
    down = own_house.start("down")
    time.sleep(pause)
    listed = own_house("runs", "list")
    assert (listed.code, end(down).code) == (0, 0), listed


def test_ctrl_c_while_another_command_starts_the_stack(own_house: House) -> None:
    with taken(own_house.state / "start.lock"):
        process = own_house.start("up")
        time.sleep(1.5)
        begun = time.monotonic()
        interrupt(process)
        assert end(process).code == 130
        assert time.monotonic() - begun < 2


def test_ctrl_c_while_the_stack_leaves(own_house: House) -> None:
    with taken(own_house.state / "alive.lock"):
        process = own_house.start("down", "--force")
        time.sleep(1.5)
        begun = time.monotonic()
        interrupt(process)
        assert end(process).code == 130
        assert time.monotonic() - begun < 2


async def test_a_process_of_another_time_is_not_told_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The id that a killed supervisor left in the lock's file may be anyone's by now."""
    monkeypatch.setenv("ONESHOT_RUNTIME", str(tmp_path / "r"))
    stack = Stack(tmp_path)
    (tmp_path / "state").mkdir(mode=0o700)
    with subprocess.Popen(["sleep", "60"]) as innocent:  # noqa: ASYNC220 -- it only has to be there
        stack.alive_lock.write_text(str(innocent.pid))
        await lifecycle.stop(stack)
        monkeypatch.setattr(sys, "executable", "/bin/false")
        with pytest.raises(lifecycle.NotReady, match="the stack does not start"):
            await lifecycle.spawn(stack)
        assert stack.pid() == 0
        assert innocent.poll() is None
        innocent.kill()


def test_what_a_killed_stack_left_goes_with_down(own_house: House) -> None:
    """As the kernel does when memory is short: the supervisor and the orchestrator, and nobody is asked."""
    process = own_house.start(*SLOW)
    await_line(process, "agent at work")
    services, pid = own_house.services(), own_house.stack.pid()
    os.kill(pid, signal.SIGKILL)
    os.kill(services["orchestrator"], signal.SIGKILL)
    end(process)
    assert [each for each in own_house.processes() if "sleep 300" in each], "the agent goes on"
    down = own_house("down")
    assert down.code == 0, down
    assert down.out == f"No stack is up for {own_house.data}; what a killed one had left is removed.\n"
    assert own_house.leftovers() == []
    assert own_house("down").out == f"No stack is up for {own_house.data}.\n"


def test_a_crash_at_the_start_is_told(own_house: House) -> None:
    own_house.state.mkdir(mode=0o700)
    (own_house.state / "orchestrator.sqlite").write_text("no database\n" * 1000)
    up = own_house("up")
    assert (up.code, up.out) == (2, "")
    assert up.sentence == (
        "the stack does not start: orchestrator: DatabaseError: file is not a database; the logs are in "
        f"{own_house.state / 'logs'}"
    )


def test_stopping_one_after_the_other_takes_no_longer_than_down_waits() -> None:
    seconds = [supervisor.STOP_SECONDS.get(service, supervisor.OTHERS_STOP_SECONDS) for service in SERVICES]
    assert sum(seconds) < lifecycle.STOP_SECONDS

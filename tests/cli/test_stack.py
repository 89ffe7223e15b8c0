"""The stack from its users' side: joined by the same build, replaced or refused for another; what passes to it."""

import json
import os
import threading
from pathlib import Path

import psutil
import pytest

from cli.harness import House, await_line, end, interrupt
from oneshot_cli.stack import SERVICES, Stack
from oneshot_shared.errors import NotReady

SLOW = ("run", "hello-world", "--agent", "command", "--command", "sleep 300", "--backend", "local")
CANARY = "sk-canary-5f1c7a90"


def _pretend_another_build(house: House) -> None:
    ready = house.runtime / "ready.json"
    ready.write_text(json.dumps(json.loads(ready.read_text()) | {"build": "0.0.9+other"}))


def test_an_idle_stack_of_another_build_is_replaced_and_a_busy_one_refused(own_house: House) -> None:
    own_house("up")
    before = own_house.services()
    _pretend_another_build(own_house)
    assert own_house("runs", "list").code == 0
    after = own_house.services()
    assert not set(before.values()) & set(after.values())
    assert not any(psutil.pid_exists(pid) for pid in before.values())

    process = own_house.start(*SLOW)
    await_line(process, "agent at work")
    _pretend_another_build(own_house)
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


def test_no_key_reaches_a_service_or_a_file(own_house: House) -> None:
    """But the proxy has it: a live run is accepted where before it was refused for want of a key."""
    keys = {"OPENAI_API_KEY": CANARY, "OPENROUTER_API_KEY": f"{CANARY}-2"}
    ended = own_house("run", "hello-world", "--agent", "oracle", "--backend", "local", **keys)
    assert ended.code == 0
    pids = [_ready_pid(own_house), *own_house.services().values()]
    assert len(pids) == len(SERVICES) + 1
    for pid in pids:
        process = Path(f"/proc/{pid}")
        assert CANARY.encode() not in (process / "environ").read_bytes()
        assert CANARY.encode() not in (process / "cmdline").read_bytes()
    live = ("--agent", "command", "--command", "env", "--model", "gpt-5.5", "--backend", "local", "--json")
    without = own_house("run", "hello-world", *live)
    assert without.code == 1, "the proxy kept the key of the command before"
    assert own_house("run", "hello-world", *live, "--provider", "azure").code == 2
    assert own_house("down").code == 0
    files = [file for folder in (own_house.data, own_house.runtime) for file in folder.rglob("*") if file.is_file()]
    assert len(files) > 50
    assert not [file for file in files if CANARY.encode() in file.read_bytes()]


def _ready_pid(house: House) -> int:
    return int(json.loads((house.runtime / "ready.json").read_text())["pid"])


def test_only_what_a_service_needs_passes_from_the_caller(house: House) -> None:
    assert house("up").code == 0
    for pid in house.services().values():
        names = set(psutil.Process(pid).environ())
        assert "LC_TIME" in names
        assert not names & {"PYTHONWARNINGS", "AWS_SECRET", "VLLM_API_KEY"}


def test_sockets_and_token_are_the_callers_alone(house: House) -> None:
    assert house("up").code == 0
    assert {path.name for path in house.runtime.iterdir()} == {
        "token", "start.lock", "alive.lock", "services.lock", "ready.json", "gateway",
        "capture.sock", "proxy.sock", "grader.sock", "orchestrator.sock",
    }  # fmt: skip
    assert house.runtime.stat().st_mode & 0o777 == 0o700
    assert (house.runtime / "token").stat().st_mode & 0o777 == 0o600
    logs = b"".join(file.read_bytes() for file in house.stack.log.parent.iterdir())
    assert house.stack.token.encode() not in logs


def test_only_one_at_a_time_may_start_it(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "d", tmp_path)
    held, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with stack.starting():
            held.set()
            leave.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    with pytest.raises(NotReady, match=r"another command has been starting the stack for 0 s; see .*stack\.log"):
        stack.starting(timeout=0.1).__enter__()
    leave.set()
    thread.join()
    with stack.starting(timeout=0):
        pass


def test_a_ready_file_without_a_supervisor_means_nothing(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "d", tmp_path)
    assert (stack.alive(), stack.ready()) == (False, None)
    for content in (json.dumps({"pid": os.getpid(), "build": "x"}), "", "{"):
        stack.ready_file.write_text(content)
        assert stack.ready() is None
    stack.stop()

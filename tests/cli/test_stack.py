"""The stack of a data folder: where its parts are, and what passes to it."""

import json
from pathlib import Path

import psutil
import pytest

from cli.harness import House
from oneshot_cli import locks
from oneshot_cli.stack import SERVICES, Ready, Stack, passed
from oneshot_shared.errors import NotReady

CANARY = "sk-canary-5f1c7a90"


def test_no_key_reaches_a_service_or_a_file(own_house: House) -> None:
    """But the proxy has it: a live run is accepted where before it was refused for want of a key."""
    keys = {"OPENAI_API_KEY": CANARY, "OPENROUTER_API_KEY": f"{CANARY}-2"}
    ended = own_house("run", "hello-world", "--agent", "oracle", "--backend", "local", **keys)
    assert ended.code == 0
    pids = [own_house.stack.pid(), *own_house.services().values()]
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


def test_only_what_a_service_needs_passes_from_the_caller(house: House) -> None:
    assert house("up").code == 0
    for pid in house.services().values():
        names = set(psutil.Process(pid).environ())
        assert "LC_TIME" in names
        assert not names & {"PYTHONWARNINGS", "AWS_SECRET", "VLLM_API_KEY"}


def test_sockets_and_token_are_the_callers_alone(house: House) -> None:
    assert house("up").code == 0
    assert {path.name for path in house.runtime.iterdir()} == {
        "token", "gateway", *(f"{service}.sock" for service in SERVICES),
    }  # fmt: skip
    assert {path.name for path in house.state.iterdir()} >= {"start.lock", "alive.lock", "services.lock", "ready.json"}
    for folder in (house.runtime, house.state):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert (house.runtime / "token").stat().st_mode & 0o777 == 0o600
    logs = b"".join(file.read_bytes() for file in house.stack.log.parent.iterdir())
    assert house.stack.token.encode() not in logs


async def test_only_one_at_a_time_may_start_it(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "d")
    async with stack.starting():
        with pytest.raises(
            NotReady, match=r"another command has been starting or stopping the stack for 0 s; see .*\.log"
        ):
            async with stack.starting(timeout=0.1):
                pass
    async with stack.starting(timeout=0):
        pass


def test_a_ready_file_without_a_supervisor_means_nothing(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    (tmp_path / "state").mkdir()
    assert (stack.alive(), stack.ready(), stack.pid()) == (False, None, 0)
    said = Ready.now(tmp_path)
    stack.say_ready(said)
    assert stack.ready() is None
    with locks.opened(stack.alive_lock) as lock:
        assert locks.take(lock.fileno())
        assert stack.ready() == said
        for content in (json.dumps({"pid": 1, "build": "x"}), "", "{", "[]"):
            stack.ready_file.write_text(content)
            assert stack.ready() is None


def test_the_sockets_are_where_the_stack_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONESHOT_RUNTIME", str(tmp_path / "r"))
    stack = Stack(tmp_path)
    (tmp_path / "state").mkdir()
    assert stack.runtime.parent == tmp_path / "r"
    stack.say_ready(Ready.now(tmp_path / "another"))
    assert stack.address("proxy") == f"unix:{tmp_path}/another/proxy.sock"
    assert stack.token_file == tmp_path / "another" / "token"


def test_settings_are_what_a_command_sets_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Ready.now(tmp_path)
    for name, same in (
        ("ONESHOT_ORCHESTRATOR_SLOTS", False),
        ("DOCKER_HOST", False),
        ("ONESHOT_IDLE_SECONDS", False),
        ("ONESHOT_ENDPOINT", True),
        ("LC_ALL", True),
        ("OPENAI_API_KEY", True),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(name, "7")
            seven = Ready.now(tmp_path)
            assert first.others(seven) == ([] if same else [name])
            assert seven.others(first) == [], "what a command does not set is as the stack has it"
            patch.setenv(name, "8")
            assert seven.others(Ready.now(tmp_path)) == ([] if same else [name])
    names = ("OPENAI_API_KEY", "ONESHOT_ENDPOINT", "ONESHOT_RUNTIME", "ONESHOT_PROXY_X", "DOCKER_HOST", "PATH")
    assert set(passed(dict.fromkeys(names, ""))) == {"ONESHOT_RUNTIME", "ONESHOT_PROXY_X", "DOCKER_HOST", "PATH"}

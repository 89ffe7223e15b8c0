"""The real Codex CLI: replayed, against a live upstream, and where there is none."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fakes.model_server import ModelServer, error, items
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2
from oneshot_orchestrator.agents import codex
from oneshot_shared.errors import NotReady
from orchestrator import harness
from orchestrator.harness import CANARY, INFRA, INVALID, PASS, Stack

pytestmark = harness.LIVE
OPENAI = {"provider": "openai"}


def command(text: str, call_id: str) -> dict[str, Any]:
    """The model wants a shell command."""
    arguments = json.dumps({"cmd": text, "yield_time_ms": 30000})
    return {
        "type": "function_call",
        "id": f"fc_{call_id}",
        "call_id": call_id,
        "name": "exec_command",
        "arguments": arguments,
    }


def output_of(server: ModelServer, call_id: str) -> str:
    """What the command said, as the model was told."""
    for item in server.requests[-1].json["input"]:
        if item.get("call_id") == call_id and item["type"] == "function_call_output":
            return str(item["output"])
    raise AssertionError(f"no output of {call_id}")


def no_key_on_disk(data: Path) -> None:
    for file in data.rglob("*"):
        if file.is_file():
            assert CANARY.encode() not in file.read_bytes(), f"the key is in {file}"


async def test_locally_a_live_model_works_in_codexs_own_sandbox(stack: Stack, hello: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    probe = f"touch {outside}; echo $?; touch inside; echo $?; env | grep -c ONESHOT_RUN_KEY; "
    probe += "command -v python3; python3 -c 'import socket; socket.socket()'"
    first, *rest = harness.cassette()
    async with ModelServer([items(*o) for o in [first, [command(f"{probe}; rm inside", "p")], *rest]]) as server:
        await stack.keys(server.base_url)
        run = await stack.codex(hello, **OPENAI)
        said = output_of(server, "p")
    assert run.grade.verdict == PASS, run.grade
    assert not outside.exists()
    assert "Read-only file system" in said
    assert "\n1\n0\n0\n" in said  # no writing outside, writing inside, no token
    assert f"\n{Path(sys.executable).parent}/python3\n" in said  # the task's own PATH
    assert "PermissionError" in said  # no network
    assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {CANARY}"}
    assert (run.replayed, run.usage.input_tokens) == ("", 5000)
    no_key_on_disk(stack.data)


@pytest.mark.parametrize("how", ["refused", "401"])
async def test_without_any_model_call_nothing_is_said_about_the_solution(stack: Stack, hello: Path, how: str) -> None:
    async with ModelServer(lambda _: error(401, "Incorrect API key provided", "invalid_api_key")) as server:
        port = await harness.refused_port()
        await stack.keys(server.base_url if how == "401" else f"http://127.0.0.1:{port}/v1")
        # Codex tries again for half a minute where nobody listens; it need not be waited for
        run = await stack.codex(hello, limits={"wall_seconds": 6 if how == "refused" else 60}, **OPENAI)
    assert (run.grade.verdict, run.grade.blame) == (INVALID, INFRA)
    assert "The agent never worked, as no model call succeeded" in run.grade.reason
    assert ("401" if how == "401" else "could not be reached") in run.grade.reason.lower()
    assert CANARY not in run.grade.reason


async def test_cancelling_a_call_under_way_ends_it_upstream(stack: Stack, hello: Path) -> None:
    hold = asyncio.Event()
    async with ModelServer([items(harness.cassette()[0][0], hold=hold)]) as server:
        await stack.keys(server.base_url)
        await stack.submit(hello, "codex", model=harness.MODEL, **OPENAI)
        async with asyncio.timeout(30):
            while not server.requests:  # noqa: ASYNC110 -- another process asks
                await asyncio.sleep(0.05)
        assert (await stack.cancel()).state == pb.RUN_STATE_CANCELLED
        session = json.loads(stack.file("trace/session.json"))
        assert session.get("open", False) is False
        hold.set()


class Sandbox:
    """A sandbox of this machine in which Codex's own one does not work."""

    agent_files = ""
    scratch = "/nonexistent"

    async def run(self, argv: list[str], **_: Any) -> codex.Exit:
        return codex.Exit(1)


async def test_where_codexs_own_sandbox_does_not_work_a_live_model_must_be_allowed(tmp_path: Path) -> None:
    work: Any = type("Work", (), {"sandbox": Sandbox(), "allow_unsandboxed": False})
    with pytest.raises(NotReady, match=r"Codex's own sandbox does not work on this machine.*--allow-unsandboxed"):
        await codex._sandbox_mode(work, "codex", {})
    work.allow_unsandboxed = True
    assert await codex._sandbox_mode(work, "codex", {}) == ["--dangerously-bypass-approvals-and-sandbox"]


def test_progress_reads_what_codex_prints(tmp_path: Path) -> None:
    said: list[str] = []
    work: Any = type("Work", (), {"say": staticmethod(said.append)})
    events = [
        {"type": "item.completed", "item": {"type": "command_execution", "command": "ls", "exit_code": 0}},
        {"type": "item.completed", "item": {"type": "command_execution", "command": "false", "exit_code": 1}},
        {
            "type": "item.completed",
            "item": {"type": "file_change", "changes": [{"path": "/a/b.py"}], "status": "completed"},
        },
        {"type": "item.completed", "item": {"type": "agent_message", "text": "Done.\nMore."}},
        {"type": "turn.failed", "error": {"message": "it broke"}},
    ]
    content = "".join(json.dumps(event) + "\n" for event in events).encode() + b"no json\n[1]\nnull\n"
    with codex.Capped(tmp_path / "log") as log:
        progress = codex._Progress(log, work)
        for start in range(0, len(content), 7):
            progress(content[start : start + 7])
    assert (progress.commands_succeeded, progress.error) == (2, "it broke")
    assert said == ["ls", "false", "edits b.py", "Done."]
    assert (tmp_path / "log").read_bytes() == content
    assert (progress.failing, progress.usage) == (True, None)


DONE = {
    "type": "turn.completed",
    "usage": {"input_tokens": 5, "cached_input_tokens": 4, "output_tokens": 3, "reasoning_output_tokens": 2},
}
FAILED = {"type": "turn.failed", "error": {"message": "no"}}
SUBAGENT = {"type": "item.started", "item": {"type": "collab_tool_call", "tool": "spawn_agent"}}
RETRY = {"type": "error", "message": "Reconnecting... 1/5 (stream disconnected before completion)"}


@pytest.mark.parametrize(
    ("events", "usage", "failing"),
    [
        ([DONE], proxy_pb2.Usage(input_tokens=5, cached_tokens=4, output_tokens=3, reasoning_tokens=2), False),
        ([RETRY, DONE], proxy_pb2.Usage(input_tokens=5, cached_tokens=4, output_tokens=3, reasoning_tokens=2), False),
        ([RETRY], None, True),
        ([RETRY, {"type": "item.started", "item": {"type": "command_execution", "command": "ls"}}], None, False),
        ([DONE, FAILED], None, True),
        ([SUBAGENT, DONE], None, False),
        ([{"type": "turn.completed", "usage": {"input_tokens": 5}}], None, False),
        ([{"type": "turn.completed", "usage": {**DONE["usage"], "output_tokens": True}}], None, False),
        ([{"type": "turn.completed", "usage": [1]}], None, False),
    ],
)
def test_codexs_own_count_is_taken_where_it_is_whole(
    tmp_path: Path, events: list[Any], usage: proxy_pb2.Usage | None, failing: bool
) -> None:
    work: Any = type("Work", (), {"say": staticmethod(lambda _: None)})
    with codex.Capped(tmp_path / "log") as log:
        progress = codex._Progress(log, work)
        progress("".join(json.dumps(event) + "\n" for event in events).encode())
    assert (progress.usage, progress.failing) == (usage, failing)

"""`oneshot mcp` on the wire: whatever the tools do, each call is answered once, whole, and in the shape that clients read."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cli.harness import ONESHOT
from oneshot_shared.capture_tools import TOOLS

TESTS = Path(__file__).parents[1]
START = "repo.start_task.v1"


class Wire:
    """Line by line, as little as a client can be."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin
        assert process.stdout
        self.process, self.stdin, self.stdout = process, process.stdin, process.stdout
        self._id = 0

    def send(self, method: str, **params: Any) -> int:
        self._id += 1
        self.stdin.write(
            json.dumps({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params}).encode() + b"\n"
        )
        return self._id

    async def next(self) -> dict[str, Any]:
        """The next line, which must be JSON."""
        line = await asyncio.wait_for(self.stdout.readline(), 20)
        assert line.endswith(b"\n"), line
        return json.loads(line)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        sent = self.send(method, **params)
        answer = await self.next()
        assert answer["id"] == sent
        return answer["result"]

    async def tool(self, name: str = START, **arguments: Any) -> dict[str, Any]:
        return await self.ask("tools/call", name=name, arguments=arguments or {"title": "x"})


@contextlib.asynccontextmanager
async def wire(tmp_path: Path, *command: str, **environment: str) -> AsyncIterator[Wire]:
    process = await asyncio.create_subprocess_exec(
        *(command or (ONESHOT, "mcp")),
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "ONESHOT_STATE": str(tmp_path / "state")}
        | {"PYTHONPATH": str(TESTS), "ONESHOT_TEST_CALLS": str(tmp_path / "calls")}
        | environment,
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    found = Wire(process)
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    try:
        assert "task" in (await found.ask("initialize", **client))["instructions"]
        found.stdin.write(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
        yield found
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.stdin.close()
        await asyncio.wait_for(process.communicate(), 20)


def acting(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "cli.toolserver", name)


async def test_it_offers_the_six_tools_and_leaves_with_its_client(tmp_path: Path) -> None:
    async with wire(tmp_path) as client:
        listed = (await client.ask("tools/list"))["tools"]
        assert [tool["name"] for tool in listed] == [tool.name for tool in TOOLS]
        for tool in listed:
            hints = {key: tool["annotations"][key] for key in ("destructiveHint", "openWorldHint", "idempotentHint")}
            assert hints == {"destructiveHint": False, "openWorldHint": False, "idempotentHint": True}
            assert tool["annotations"]["readOnlyHint"] is (
                tool["name"] in ("repo.check_readiness.v1", "repo.task_status.v1")
            )
            assert "outputSchema" not in tool
    assert client.process.returncode == 0


async def test_a_folder_without_a_repository_gets_a_sentence(tmp_path: Path) -> None:
    async with wire(tmp_path) as client:
        answer = await client.tool()
    assert answer["isError"]


@pytest.mark.parametrize("what", ["Recording", "Noisy", "Odd", "Empty"])
async def test_an_answer_has_the_one_shape_that_codex_reads(tmp_path: Path, what: str) -> None:
    """An answer of another shape is reported as failed after the tool has run; a line that is no JSON, never read."""
    async with wire(tmp_path, *acting(what)) as client:
        for tool in TOOLS:
            answer = await client.tool(tool.name, title="x", summary="x")
            assert not answer.get("isError")
            (block,) = answer["content"]
            assert block["type"] == "text"
            assert isinstance(block["text"], str)
            assert isinstance(answer.get("structuredContent", {}), dict)


async def test_what_json_cannot_carry_is_written_another_way(tmp_path: Path) -> None:
    async with wire(tmp_path, *acting("Odd")) as client:
        answer = await client.tool()
    assert answer["content"][0]["text"] == "file ?"
    assert answer["structuredContent"] == {"path": "/x?", "share": None, "none": None, "list": ["a"]}


@pytest.mark.parametrize(
    ("what", "words"), [("Leaving", "SystemExit: 3"), ("Failing", "KeyError: 'a detail that helps'")]
)
async def test_a_fault_is_told_and_the_next_call_is_answered(tmp_path: Path, what: str, words: str) -> None:
    async with wire(tmp_path, *acting(what)) as client:
        for _ in range(2):
            answer = await client.tool()
            assert answer["isError"]
            assert words in answer["content"][0]["text"]
            assert "fault in oneshot itself" in answer["content"][0]["text"]


async def test_calls_at_once_get_each_their_answer(tmp_path: Path) -> None:
    async with wire(tmp_path, *acting("Recording")) as client:
        sent = {
            client.send("tools/call", name=tool.name, arguments={"title": "x", "summary": "x"}): tool for tool in TOOLS
        }
        for _ in TOOLS:
            answer = await client.next()
            assert answer["result"]["content"][0]["text"].startswith(sent.pop(answer["id"]).method)


async def test_a_process_left_at_work_holds_nobody_up(tmp_path: Path) -> None:
    async with wire(tmp_path, *acting("Detached"), ONESHOT_TEST_DELAY="100") as client:
        pid = int((await asyncio.wait_for(client.tool(), 20))["content"][0]["text"])
        try:
            client.stdin.close()
            async with asyncio.timeout(20):
                while client.process.returncode is None:  # noqa: ASYNC110 -- wait() waits for the pipes, too
                    await asyncio.sleep(0.01)
        finally:
            os.kill(pid, 9)
    assert client.process.returncode == 0

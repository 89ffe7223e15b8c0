"""The MCP server of the capture tools, asked by the SDK's own client."""

import json
from dataclasses import replace
from typing import Any

import pytest
from mcp import Client

from oneshot_shared import capture_tools
from oneshot_shared.capture_arguments import StartTask, Words
from oneshot_shared.capture_core import Caller, Told
from oneshot_shared.capture_tools import TOOLS, server
from oneshot_shared.errors import BadInput, DataLoss, NotReady

START = "repo.start_task.v1"
WORDS = "task start begin end finish save record evaluation benchmark one-shot rubric tests diff repository readiness"


class Tools:
    """Remembers its calls; raises what it is told to."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.called: list[tuple[str, Caller, dict[str, Any]]] = []
        self.error = error

    def __getattr__(self, name: str) -> Any:
        async def method(caller: Caller, **given: Any) -> Told:
            self.called.append((name, caller, given))
            if self.error:
                raise self.error
            return Told(f"{name} done", {"task_id": "t-1"})

        return method


async def test_every_tool_reaches_its_method() -> None:
    tools = Tools()
    async with Client(server(tools)) as client:
        for tool in TOOLS:
            answer = await client.call_tool(tool.name, {"title": "x", "summary": "y"})
            assert not answer.is_error
            assert [block.text for block in answer.content if block.type == "text"] == [f"{tool.method} done"]
            assert answer.structured_content == {"task_id": "t-1"}
    methods = ["start_task", "end_task", "check_readiness", "autofix_readiness", "task_status", "abort_task"]
    assert [name for name, _, _ in tools.called] == methods
    assert tools.called[0][2] == {"title": "x", "instructions": "", "notes": "", "labels": ()}


async def test_the_words_by_which_a_search_finds_them_are_there() -> None:
    async with Client(server(Tools())) as client:
        listed = (await client.list_tools()).tools
    said = " ".join([capture_tools.INSTRUCTIONS, *(f"{tool.name} {tool.description}" for tool in listed)]).lower()
    assert [word for word in WORDS.split() if word not in said] == []
    for tool in listed:
        assert tool.input_schema["type"] == "object"
        assert "$defs" not in json.dumps(tool.input_schema)
        assert all(value["description"] for value in tool.input_schema["properties"].values())
        assert tool.output_schema is None
    assert [tool.input_schema["required"] for tool in listed] == [["title"], ["summary"], [], [], [], []]


@pytest.mark.parametrize(
    "error",
    [
        BadInput("give another"),
        NotReady("no git"),
        DataLoss("it is gone"),
        FileNotFoundError("no such task"),
        OSError("full"),
    ],
)
async def test_an_error_is_told_as_its_sentence(error: Exception) -> None:
    async with Client(server(Tools(error))) as client:
        answer = await client.call_tool(START, {"title": "x"})
    assert answer.is_error
    assert [block.text for block in answer.content if block.type == "text"] == [str(error)]


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        (START, {}, "repo.start_task.v1: 'title' is missing; give it: One line that names the task"),
        (START, {"title": ""}, "repo.start_task.v1: 'title' is not understood (''): give one line that names the task"),
        (START, {"title": "x", "labels": {"a": "b" * 300}}, "'labels' is not understood ({'a': 'bbb"),
        (
            "repo.end_task.v1",
            {"summary": "x", "rubric": 7},
            "'rubric' is not understood (7): give a list of criteria such as",
        ),
        ("repo.nothing.v1", {}, "there is no tool 'repo.nothing.v1'; the tools are repo.start_task.v1, "),
    ],
)
async def test_what_is_not_understood_is_told_with_the_form(name: str, arguments: dict[str, Any], words: str) -> None:
    tools = Tools()
    async with Client(server(tools)) as client:
        answer = await client.call_tool(name, arguments)
    assert answer.is_error
    (text,) = [block.text for block in answer.content if block.type == "text"]
    assert words in text
    assert len(text) < 800
    assert tools.called == []


@pytest.mark.parametrize(
    ("meta", "caller"),
    [
        ({"threadId": "t", "callId": "call_1", "itemId": "fc_1"}, Caller("t", "call_1")),
        ({"threadId": "t", "callId": "exec-2c1", "itemId": "ct_1"}, Caller("t", "ct_1")),
        ({"threadId": "t", "callId": "exec-2c1"}, Caller("t", "exec-2c1")),
        ({"threadId": 7, "callId": None}, Caller()),
        (None, Caller()),
    ],
)
async def test_the_caller_is_who_the_client_says(meta: Any, caller: Caller) -> None:
    tools = Tools()
    async with Client(server(tools)) as client:
        await client.call_tool("repo.task_status.v1", {}, meta=meta)
    assert [called for _, called, _ in tools.called] == [caller]


async def test_a_transport_may_ask_for_more() -> None:
    class WithPack(StartTask):
        pack: Words = ""

    tools = Tools()
    async with Client(server(tools, (replace(TOOLS[0], arguments=WithPack),))) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == [START]
        await client.call_tool(START, {"title": "x", "pack": "UEFDSw=="})
    assert tools.called[0][2]["pack"] == "UEFDSw=="

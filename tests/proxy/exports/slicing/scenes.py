"""Conversations with OneShot's tools as records, and the slice of them."""

import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

from oneshot_proxy.cassette import Item
from oneshot_proxy.exports.contract import Losses, Slice
from oneshot_proxy.exports.slicing import find, work
from oneshot_proxy.exports.slicing.find import Found
from oneshot_proxy.records import CallRecord
from proxy.exports.builders import record

TASK, OTHER = "greet-20261125-030904-e0595c", "part-20261125-040904-0a1b2c"
ASKED = Slice(TASK, final_message="All is written.")
ENVIRONMENT = "<environment_context>\n  <cwd>{}</cwd>\n</environment_context>"
REASONING: Item = {"type": "reasoning", "summary": []}


def user(text: str) -> Item:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def bot(text: str) -> Item:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def call(call_id: str, name: str = "exec_command", **arguments: str) -> Item:
    return {"type": "function_call", "name": name, "call_id": call_id, "arguments": json.dumps(arguments)}


def ours(name: str, call_id: str) -> Item:
    return call(call_id, f"repo_{name}_v1") | {"namespace": "mcp__oneshot"}


def script(text: str, call_id: str) -> Item:
    return {"type": "custom_tool_call", "name": "exec", "call_id": call_id, "input": text}


def result(made: Item, text: str) -> Item:
    kind = "tool_search" if made["type"] == "tool_search_call" else made["type"].removesuffix("_call") + "_call"
    return {"type": f"{kind}_output", "call_id": made["call_id"], "output": text}


class Session:
    """Records of several conversations, in the order in which they were made."""

    def __init__(self) -> None:
        self.calls: list[CallRecord] = []
        self._seq = itertools.count(1)

    def record(self, items: list[Item], output: list[Item], thread: str, parent: str = "", **fields: Any) -> None:
        headers = (("thread-id", thread), ("x-codex-parent-thread-id", parent))
        body = {"input": items, "tools": fields.pop("tools", [])}
        self.calls.append(record(next(self._seq), body, output, request_headers=headers, **fields))

    def __aiter__(self) -> AsyncIterator[CallRecord]:
        return self._read()

    async def _read(self) -> AsyncIterator[CallRecord]:
        for each in self.calls:
            yield each


class Talk:
    """One conversation: what is said goes into all later requests."""

    def __init__(self, session: Session, thread: str = "main", parent: str = "", cwd: str = "/repo") -> None:
        self.session, self.thread, self.parent = session, thread, parent
        self.items = [{"type": "message", "role": "developer", "content": "Be good."}, user(ENVIRONMENT.format(cwd))]

    def user(self, text: str) -> None:
        self.items.append(user(text))

    def answer(self, *output: Item, gave: str = "done", **fields: Any) -> None:
        """A call of the model; every tool gives the same."""
        self.session.record(list(self.items), list(output), self.thread, self.parent, **fields)
        self.items += [*output, *(result(each, gave) for each in output if each["type"].endswith("_call"))]

    def start(self, task: str = TASK, call_id: str = "start") -> None:
        self.answer(ours("start_task", call_id), gave=f"Task {task} is started.")

    def finish(self, call_id: str = "end", gave: str = "saved") -> None:
        self.answer(ours("end_task", call_id), gave=gave)


def told(items: list[Item]) -> list[str]:
    """Each item as a word: a message's text, a call's id, and * for its result."""
    found = []
    for item in items:
        content = item.get("content")
        text = content if isinstance(content, str) else "".join(part["text"] for part in content or ())
        star = "*" * str(item["type"]).endswith("_output")
        found.append(text.split("\n")[0] or item.get("call_id", item["type"]) + star)
    return found


async def sliced(
    session: Session, asked: Slice = ASKED, *, replayed: bool = False
) -> list[tuple[list[str], list[str]]]:
    """Of each call that is left, what was asked, without what stands before any words, and what was answered."""
    found = await find.find("s", asked, aiter(session))
    left = [each async for each in work.work(found, aiter(session), replayed=replayed)]
    return [(told(json.loads(each.request)["input"])[2:], told(json.loads(each.response)["output"])) for each in left]


async def found(session: Session, asked: Slice = ASKED) -> Found:
    return await find.find("s", asked, aiter(session))


def losses(asked: Slice, found: Found, *, replayed: bool = False) -> list[str]:
    made = Losses()
    work.say(asked, found, made, replayed=replayed)
    return made.sentences

"""Codex's own session log as a trajectory in ATIF 1.8, for work that no proxy recorded.

Source of the log: what Codex writes to CODEX_HOME/sessions/…/rollout-*.jsonl, lines of {"timestamp", "type", "payload"}. Format:
https://www.harborframework.com/docs/agents/trajectory-format. Tokens are those of token_usage_record, one for each answer, or, in
logs without them, of the token_count events.
"""

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_shared.errors import BadInput, printable

VERSION = "ATIF-v1.8"
_LINE_BYTES = 4 * 1024 * 1024
_ROOM, _SHORT = 32 * 1024 * 1024, 2000
_MARKS = re.compile(r"repo[._](start|end)_task[._]v1")
_CALLS = {"function_call", "custom_tool_call", "local_shell_call", "web_search_call", "mcp_tool_call"}
_OUTPUTS = {"function_call_output", "custom_tool_call_output", "mcp_tool_call_output"}
_COUNTS = {
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "cached_tokens": "cached_input_tokens",
}
type Json = Mapping[str, Any]


def convert(log: Path, to: Path, ending: pb.Ending) -> None:
    """Write the trajectory into a new file. The calls that started and ended the task are left out, with their results.

    :raises BadInput: the log holds no conversation.
    """
    import atif

    made = _Trajectory(ending)
    with log.open("rb") as file:
        for line in _lines(file, made):
            made.take(line)
    if not made.steps:
        raise BadInput("the agent's own record holds no conversation")
    document = atif.Trajectory.model_validate(made.document())
    with to.open("xb") as out:
        out.write(document.model_dump_json(exclude_none=True, indent=2).encode())


def _lines(file: IO[bytes], made: "_Trajectory") -> Iterator[Json]:
    """Lines that are JSON objects; others are counted."""
    while line := file.readline(_LINE_BYTES):
        whole = line.endswith(b"\n") or len(line) < _LINE_BYTES
        while not line.endswith(b"\n") and len(line) == _LINE_BYTES:
            line = file.readline(_LINE_BYTES)
        try:
            value = json.loads(line) if whole else None
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict) and isinstance(value.get("payload"), dict):
            yield value
        elif line.strip():
            made.unread += 1


class _Trajectory:
    """Takes a log's lines in their order."""

    def __init__(self, ending: pb.Ending) -> None:
        self.steps: list[dict[str, Any]] = []
        self.unread = 0
        self._marks = {call for call in (ending.begin_call_id, ending.end_call_id) if call}
        self._room = _ROOM
        self._shortened = 0
        self._meta: Json = {}
        self._asked: Json = {}
        self._open: dict[str, Any] | None = None
        self._callers: dict[str, dict[str, Any]] = {}
        self._records: list[Json] = []
        self._events: list[Json] = []
        self._total: object = None

    def take(self, line: Json) -> None:
        """The next line."""
        kind, payload = line.get("type"), line["payload"]
        if kind == "session_meta" and not self._meta:
            self._meta = payload
            if text := _text(_mapping(payload.get("base_instructions")).get("text")):
                self._add("system", line, text)
        elif kind == "turn_context":
            self._asked = payload
        elif kind == "response_item":
            self._item(line, payload)
        elif kind == "token_usage_record":
            self._used(_mapping(payload.get("usage")), self._records)
        elif kind == "event_msg" and payload.get("type") == "token_count":
            info = _mapping(payload.get("info"))
            if info.get("total_token_usage") != self._total:  # it is said again when rate limits change
                self._total = info.get("total_token_usage")
                self._events.append(_mapping(info.get("last_token_usage")))

    def _item(self, line: Json, item: Json) -> None:
        kind = str(item.get("type"))
        if kind == "message":
            role = item.get("role")
            if role == "assistant":
                step = self._agent(line)
                step["message"] = "\n\n".join(filter(None, [step["message"], self._short(_text(item.get("content")))]))
            else:
                self._add("user" if role == "user" else "system", line, _text(item.get("content")))
        elif kind == "reasoning":
            if text := _text(item.get("summary")) or _text(item.get("content")):
                step = self._agent(line)
                step["reasoning_content"] = "\n\n".join(
                    [*filter(None, [step.get("reasoning_content")]), self._short(text)]
                )
        elif kind in _CALLS:
            self._call(line, item)
        elif kind in _OUTPUTS:
            self._output(item)

    def _call(self, line: Json, item: Json) -> None:
        call_id, name = str(item.get("call_id") or item.get("id") or ""), str(item.get("name") or item.get("type"))
        if not self._marks.isdisjoint((call_id, item.get("id"))) or _MARKS.search(name):
            self._marks.add(call_id)
            return
        given = item.get("arguments") or item.get("input") or item.get("action") or {}
        step = self._agent(line)
        call = {"tool_call_id": call_id, "function_name": name, "arguments": self._arguments(given)}
        step.setdefault("tool_calls", []).append(call)
        self._callers[call_id] = step

    def _arguments(self, given: object) -> dict[str, Any]:
        """As Harbor writes them: what is no JSON object stands under "input"."""
        text = given if isinstance(given, str) else json.dumps(given)
        short = self._short(text)
        try:
            value = json.loads(short)
        except (ValueError, RecursionError):
            value = None
        return value if isinstance(value, dict) else {"input": short}

    def _output(self, item: Json) -> None:
        call_id = str(item.get("call_id"))
        self._open = None
        if step := self._callers.get(call_id):
            result = {"source_call_id": call_id, "content": self._short(_text(item.get("output")))}
            step.setdefault("observation", {"results": []})["results"].append(result)

    def _used(self, usage: Json, among: list[Json]) -> None:
        among.append(usage)
        agents = [step for step in self.steps[-20:] if step["source"] == "agent"]
        if agents and "metrics" not in agents[-1]:
            agents[-1]["metrics"] = {name: _number(usage.get(theirs)) for name, theirs in _COUNTS.items()}
        self._open = None

    def _agent(self, line: Json) -> dict[str, Any]:
        """The step of the answer that is being given."""
        if self._open is None:
            self._add("agent", line, "")
            self._open = self.steps[-1]
            asked = {"model_name": self._asked.get("model"), "reasoning_effort": self._asked.get("effort")}
            self._open |= {name: value for name, value in asked.items() if isinstance(value, str) and value}
        return self._open

    def _add(self, source: str, line: Json, text: str) -> None:
        self._open = None
        step = {"step_id": len(self.steps) + 1, "source": source, "message": self._short(text)}
        if at := _time(line.get("timestamp")):
            step["timestamp"] = at
        self.steps.append(step)

    def _short(self, text: str) -> str:
        text = printable(text)
        if len(text) <= max(self._room, _SHORT):
            self._room -= len(text)
            return text
        self._shortened += 1
        return f"{text[:_SHORT]} [and {len(text) - _SHORT} characters more]"

    def document(self) -> dict[str, Any]:
        """The whole, for ATIF's own model to check."""
        used = self._records or self._events
        sums = {f"total_{name}": sum(_number(usage.get(theirs)) for usage in used) for name, theirs in _COUNTS.items()}
        notes = ["Made from the agent's own record, without what only the wire shows."]
        if self.unread:
            notes.append(f"{self.unread} lines of it could not be read.")
        if self._shortened:
            notes.append(f"{self._shortened} texts were shortened.")
        about = {"name": "codex", "version": _text(self._meta.get("cli_version")) or "unknown"}
        if model := self._asked.get("model"):
            about["model_name"] = str(model)
        return {
            "schema_version": VERSION,
            "session_id": _text(self._meta.get("session_id")) or _text(self._meta.get("id")) or None,
            "trajectory_id": _text(self._meta.get("id")) or None,
            "agent": about,
            "steps": self.steps,
            "notes": " ".join(notes),
            "final_metrics": sums | {"total_steps": len(self.steps)},
        }


def _text(value: object) -> str:
    """The text of a content: a string, or a list of parts."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(filter(None, map(_text, value)))
    if isinstance(value, dict):
        inner = next((value[name] for name in ("text", "content", "output") if name in value), None)
        return _text(inner) if inner is not None else f"[{value['type']}]" if "type" in value else ""
    return ""


def _mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 1 << 53 else 0


def _time(value: object) -> str:
    try:
        return value if isinstance(value, str) and dt.datetime.fromisoformat(value) else ""
    except ValueError:
        return ""

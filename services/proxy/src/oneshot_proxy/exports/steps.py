"""One conversation as the steps of an ATIF trajectory. Format: https://www.harborframework.com/docs/agents/trajectory-format."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from oneshot_proxy.exports import media
from oneshot_proxy.exports.clean import Room, clean
from oneshot_proxy.exports.contract import Losses
from oneshot_proxy.exports.history import Turn
from oneshot_proxy.model import Item
from oneshot_proxy.protocols.reading import json_object, mapping, string, written
from oneshot_proxy.threads import Thread
from oneshot_proxy.usage import Usage

_SOURCES = {"system": "system", "developer": "system", "user": "user"}
_CLIENT = "client_metadata"
_NONE: tuple[Any, ...] = ("", None, [], {})
type Step = dict[str, Any]


@dataclass
class Steps:
    """Takes a conversation's turns in their order; `steps` are ATIF's step objects.

    Each user's, system's or developer's message is a step, each answer of the model one, and what its tools gave back is its
    observation. A call without an answer is named in the step that its repetition led to (`extra.failed_calls`), or in `failed`.
    """

    thread: Thread
    losses: Losses
    room: Room
    steps: list[Step] = field(default_factory=list)
    tools: dict[str, dict[str, Any]] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    failed: list[dict[str, Any]] = field(default_factory=list)
    observed: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _defined: dict[str, Any] = field(default_factory=dict)
    _asked: dict[str, Any] = field(default_factory=dict)
    _waiting: dict[str, Step] = field(default_factory=dict)
    _cut: Turn | None = None
    _refused: Turn | None = None

    def take(self, turn: Turn) -> None:
        """The next turn of this conversation."""
        self.usage += turn.record.usage
        if turn.refused:
            self._refused = turn
            self.failed.append(facts(turn) | _present(error=self.room.text(turn.failure)))
            return
        self._refused = None
        self._define(turn.call.tools)
        self._inputs(turn)
        if turn.failure:
            self._fail(turn)
        else:
            self._answer(turn, turn.call.output)

    def end(self) -> None:
        """Nothing more comes: the beginning of an answer that was never asked for again is what the model said last.

        Of the calls that the proxy refused at the end, the last one shows what the model's last tool calls gave back.
        """
        if self._cut is not None:
            self._keep(self._cut, self._cut.call.output)
        if self._refused is not None:
            self._inputs(self._refused)
        if not self.steps:
            self._add("system", 0.0, "no model call was recorded in this session")

    def _inputs(self, turn: Turn) -> None:
        copied: list[Item] = []
        for item in turn.new:
            if item.emitted:
                copied.append(item)
                continue
            self._copy(turn, copied)
            self._input(turn, item)
        self._copy(turn, copied)

    def _input(self, turn: Turn, item: Item) -> None:
        at = turn.record.started_at
        self._define(item.tools)
        if item.kind == "tool_result" or (item.kind == "tools" and item.call_id):
            self._observe(turn, item)
        elif item.kind == "message":
            self._add(_SOURCES.get(item.role, "user"), at, self._text(item))
            if item.role == "developer":
                self.steps[-1]["extra"] = {"role": "developer"}
        else:
            self._add("system", at, self.room.text(item.text))
            self.steps[-1]["extra"] = {"item": self.room.value(item.raw)}

    def _copy(self, turn: Turn, items: list[Item]) -> None:
        """What a model said before this conversation was recorded, or in an answer that broke off and was kept so far."""
        if items and self._cut is not None:
            self._keep(self._cut, items)
        elif items:
            step = self._say(turn.record.started_at, items)
            step["is_copied_context"] = True
        items.clear()

    def _keep(self, cut: Turn, items: Iterable[Item]) -> None:
        self.failed = [call for call in self.failed if call["seq"] != cut.record.seq]
        self._answer(cut, items)
        self.steps[-1]["extra"]["call"]["error"] = self.room.text(cut.failure)

    def _observe(self, turn: Turn, item: Item) -> None:
        step = self._waiting.get(item.call_id)
        result: dict[str, Any] = {"source_call_id": item.call_id, "content": self._text(item)}
        if step is None:
            self._add("system", turn.record.started_at, "")
            step = self.steps[-1]
            result = {"content": result["content"], "extra": {"call_id": item.call_id}}
        step.setdefault("observation", {"results": []})["results"].append(result)
        self.observed.append((result["content"], result))

    def _answer(self, turn: Turn, output: Iterable[Item]) -> None:
        record, call = turn.record, turn.call
        step = self._say(record.started_at + record.seconds, list(output))
        changed = {key: value for key, value in call.parameters.items() if not _same(self._asked.get(key), value)}
        if self.model and changed.pop(_CLIENT, None):
            self.losses.add("how the client's metadata changed from request to request")
        if not self.model:
            self.model, self._asked, changed = call.model, call.parameters, {}
            self.parameters = self.room.value(call.parameters)
        step |= {"model_name": call.model or None, "reasoning_effort": effort(call.parameters), "llm_call_count": 1}
        step |= _metrics(turn)
        step["extra"] = _present(
            call=facts(turn),
            turn_id=turn.thread.turn,
            request_kind="" if turn.thread.request_kind == "turn" else turn.thread.request_kind,
            context_replaced=turn.replaced or None,
            parameters=self.room.value(changed),
            failed_calls=self.failed,
            **step.get("extra", {}),
        )
        self.failed, self._cut = [], None

    def _say(self, at: float, items: list[Item]) -> Step:
        """An agent's step of what a model emitted."""
        said = [item for item in items if item.kind == "message"]
        calls = [item for item in items if item.kind == "tool_call"]
        reasoning = [item for item in items if item.kind == "reasoning"]
        others = [self.room.value(item.raw) for item in items if not item.emitted]
        self._add("agent", at, "\n\n".join(self._text(item) for item in said))
        step = self.steps[-1]
        if text := "\n\n".join(item.text for item in reasoning if item.text):
            step["reasoning_content"] = self.room.text(text)
        if calls:
            step["tool_calls"] = [self._call(item) for item in calls]
            self._waiting |= {item.call_id: step for item in calls}
        if others:
            step["extra"] = {"items": others}
        if any(media.encrypted(item) for item in reasoning):
            self.losses.add("the encrypted reasoning in its answers")
        kinds = [item.kind for item in items if item.kind != "reasoning"]
        if kinds != sorted(kinds):
            self.losses.add("where an answer's text stood between its tool calls")
        return step

    def _fail(self, turn: Turn) -> None:
        partial = [self.room.value(item.raw) for item in turn.call.output]
        error = self.room.text(turn.failure)
        self.failed.append(facts(turn) | _metrics(turn) | _present(error=error, partial=partial))
        self._cut = turn if turn.call.output else None

    def _add(self, source: str, at: float, message: str) -> None:
        when = {"timestamp": rfc3339(at)} if at else {}
        self.steps.append({"step_id": len(self.steps) + 1, **when, "source": source, "message": message})

    def _text(self, item: Item) -> str:
        if media.parts(item):
            self.losses.add("the images, sounds and files in its messages")
        found = ", ".join(_name(tool) for tool in item.tools)
        return self.room.text((item.text or found) + "".join(f"[{kind}]" for kind in media.parts(item)))

    def _call(self, item: Item) -> dict[str, Any]:
        """Arguments that are no JSON object, a freeform tool's, stand under "input", as Harbor writes them."""
        arguments = json_object((item.arguments or "{}").encode())
        given = {"input": self.room.text(item.arguments)} if arguments is None else self.room.value(arguments)
        extra = _present(type=string(item.raw.get("type")), namespace=item.namespace)
        return {"tool_call_id": item.call_id, "function_name": item.name, "arguments": given} | _present(extra=extra)

    def _define(self, tools: Iterable[dict[str, Any]]) -> None:
        for tool in tools:
            name = _name(tool)
            if name not in self._defined:
                self._defined[name], self.tools[name] = tool, self.room.value(tool)
            elif not _same(self._defined[name], tool):
                self.losses.add(f"that the definition of the tool {name[:80]!r} changed; the first one is given")


def rfc3339(seconds: float) -> str:
    """Unix seconds as ATIF writes times."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def effort(parameters: dict[str, Any]) -> str | None:
    """The reasoning effort that a request asks for."""
    reasoning = parameters.get("reasoning")
    found = reasoning.get("effort") if isinstance(reasoning, dict) else parameters.get("reasoning_effort")
    return string(found) or None


def facts(turn: Turn) -> dict[str, Any]:
    """What is known of a call beside what was said: times in seconds from its start."""
    record = turn.record
    return _present(
        seq=record.seq,
        started_at=rfc3339(record.started_at),
        status=record.status,
        response_id=turn.call.response_id,
        finish=turn.call.finish,
        first_byte_seconds=round(record.first_byte_seconds, 4) or None,
        first_token_seconds=round(record.first_token_seconds, 4) or None,
        last_token_seconds=round(record.last_token_seconds, 4) or None,
        seconds=round(record.seconds, 4),
        undecoded=clean(record.undecoded or turn.call.unknown),
    )


def _metrics(turn: Turn) -> dict[str, Any]:
    """What the session's sums hold of a call, where it used anything."""
    usage = turn.record.usage
    if turn.call.usage is None and usage == Usage():
        return {}
    extra = {"reasoning_tokens": usage.reasoning_tokens, "cache_write_tokens": usage.cache_write_tokens}
    counts = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
    }
    return {"metrics": counts | {"cost_usd": usage.cost_usd, "extra": extra}}


def _name(tool: dict[str, Any]) -> str:
    return written(tool.get("name") or mapping(tool.get("function")).get("name") or tool.get("type"))


def _same(one: object, other: object) -> bool:
    try:
        return one == other
    except RecursionError:  # they are nested deep
        return False


def _present(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON values
    return {key: value for key, value in fields.items() if value not in _NONE}

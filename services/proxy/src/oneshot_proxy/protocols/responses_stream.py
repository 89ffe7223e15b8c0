"""A response of the Responses API, rebuilt from the events of its stream as far as they came.

Source: https://platform.openai.com/docs/api-reference/responses-streaming. OpenAI repeats the whole response in the last event;
ChatGPT's backend leaves `output` empty there, and a stream that was cut has no last event: then the items come from
`output_item.done`, and those that were not done from what was added to them.
"""

from collections.abc import Iterable
from typing import Any

from oneshot_proxy import outcome
from oneshot_proxy.protocols.reading import Unknown, index, mapping, string

_LAST = frozenset(
    {"response.completed", "response.incomplete", "response.failed", "response.cancelled", "response.done"}
)
_BEGUN = frozenset({"response.created", "response.in_progress", "response.queued"})
# event: type of the item, list in it, field with the place in that list, type of the part, field of the text
_PARTS = {
    "response.output_text.delta": ("message", "content", "content_index", "output_text", "text"),
    "response.refusal.delta": ("message", "content", "content_index", "refusal", "refusal"),
    "response.reasoning_summary_text.delta": ("reasoning", "summary", "summary_index", "summary_text", "text"),
    "response.reasoning_text.delta": ("reasoning", "content", "content_index", "reasoning_text", "text"),
}
_STRINGS = {
    "response.function_call_arguments.delta": ("function_call", "arguments"),
    "response.custom_tool_call_input.delta": ("custom_tool_call", "input"),
    "response.mcp_call_arguments.delta": ("mcp_call", "arguments"),
    "response.code_interpreter_call_code.delta": ("code_interpreter_call", "code"),
}
# they tell of the service, not of the answer
_ASIDE = frozenset({"keepalive", "response.metadata", "codex.rate_limits", "codex.response.metadata"})
# they repeat or announce what other events bring
_PROGRESS = frozenset(
    {
        "response.content_part.added",
        "response.content_part.done",
        "response.output_text.annotation.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_part.done",
    }
    | {name.removesuffix("delta") + "done" for name in (*_PARTS, *_STRINGS)}
)


def rebuild(events: Iterable[dict[str, Any]], unknown: Unknown) -> tuple[dict[str, Any], str]:
    """The response, and the API's words on what failed."""
    stream = _Stream()
    for event in events:
        stream.take(event)
    return stream.response(unknown), stream.error


class _Item:
    """One that is not done: what was added to it, by place."""

    def __init__(self, base: dict[str, Any]) -> None:
        self.base = base
        self.strings: dict[str, list[str]] = {}
        self.parts: dict[tuple[str, int], tuple[str, str, list[str]]] = {}

    def built(self) -> dict[str, Any]:
        item = dict(self.base)
        item |= {name: "".join(texts) for name, texts in self.strings.items()}
        lists: dict[str, list[dict[str, str]]] = {}
        for (name, _), (kind, field, texts) in sorted(self.parts.items(), key=lambda each: each[0]):
            lists.setdefault(name, []).append({"type": kind, field: "".join(texts)})
        return item | lists


class _Stream:
    def __init__(self) -> None:
        self.error = ""
        self._head: dict[str, Any] = {}
        self._last: dict[str, Any] = {}
        self._done: dict[int, dict[str, Any]] = {}
        self._open: dict[int, _Item] = {}
        self._strange: list[tuple[str, int | None]] = []

    def take(self, event: dict[str, Any]) -> None:
        kind = string(event.get("type"))
        if kind in _LAST:
            self._last = mapping(event.get("response"))
        elif kind in _BEGUN:
            self._head |= mapping(event.get("response"))
        elif kind == "error" or isinstance(event.get("error"), dict):
            self.error = outcome.error_words(event) or "the stream reported an error"
        elif kind.startswith("response.output_item."):
            self._item(kind, event)
        elif kind in _PARTS or kind in _STRINGS:
            self._delta(kind, event)
        elif kind not in _ASIDE and kind not in _PROGRESS:
            place = event.get("output_index")
            self._strange.append((kind, place if isinstance(place, int) else None))

    def _item(self, kind: str, event: dict[str, Any]) -> None:
        item = mapping(event.get("item"))
        if kind == "response.output_item.done":
            self._done[index(event.get("output_index"), len(self._done))] = item
        else:
            self._open[index(event.get("output_index"), len(self._done))] = _Item(item)

    def _delta(self, kind: str, event: dict[str, Any]) -> None:
        place, text = index(event.get("output_index"), len(self._done)), string(event.get("delta"))
        of = (_PARTS.get(kind) or _STRINGS[kind])[0]
        item = self._open.setdefault(place, _Item({"type": of} | ({"role": "assistant"} if of == "message" else {})))
        if kind in _STRINGS:
            item.strings.setdefault(_STRINGS[kind][1], []).append(text)
        else:
            _, name, where, part, field = _PARTS[kind]
            item.parts.setdefault((name, index(event.get(where), 0)), (part, field, []))[2].append(text)

    def response(self, unknown: Unknown) -> dict[str, Any]:
        for kind, place in self._strange:
            if (
                place not in self._done
            ):  # what tells of the making of an item that came whole afterwards cannot be missed
                unknown.add(f"event type {kind!r}")
        made = {place: item.built() for place, item in self._open.items()} | self._done
        built = [made[place] for place in sorted(made)]
        response = self._last or self._head
        given = response.get("output")
        if isinstance(given, list) and len(given) >= len(built):
            return response
        return response | {"output": built}

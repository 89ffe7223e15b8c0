"""A cassette's answer in the shape of the real Responses API. Source: https://platform.openai.com/docs/api-reference/responses-streaming."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from oneshot_proxy import sse
from oneshot_proxy.cassette import Entry, Item, Timing

SSE_TYPE = "text/event-stream; charset=utf-8"
JSON_TYPE = "application/json"
_AT_ONCE = Timing(first_token=0, seconds=0)
_DELTAS = {
    "function_call": ("response.function_call_arguments", "arguments"),
    "custom_tool_call": ("response.custom_tool_call_input", "input"),
}


@dataclass(frozen=True)
class Answer:
    """What goes over the wire. `chunks`: seconds from the start, and bytes; `ends` as in a cassette. A `status` of 0 is no answer."""

    status: int
    headers: dict[str, str]
    chunks: tuple[tuple[float, bytes], ...]
    ends: Literal["whole", "cut", "left"] = "whole"

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(chunk for _, chunk in self.chunks)


def answer(entry: Entry, model: str, number: int, *, stream: bool, recorded_timing: bool = False) -> Answer:
    """An entry's answer. `number` tells the answers of a session apart. At once, nobody is told to wait before a retry either."""
    timing = entry.timing if recorded_timing and entry.timing else _AT_ONCE
    headers = entry.headers if timing is not _AT_ONCE else dict.fromkeys(entry.headers, "0")
    kind, pieces = _pieces(entry, model, number, stream=stream)
    chunks = tuple(zip(_moments(timing, len(pieces)), pieces, strict=True))
    return Answer(entry.status, {"content-type": kind, **headers}, chunks, entry.ends)


def _pieces(entry: Entry, model: str, number: int, *, stream: bool) -> tuple[str, list[bytes]]:
    if entry.body is not None:
        return entry.body.content_type, [entry.body.text.encode("utf-8", "surrogatepass")]
    if entry.error is not None:
        return JSON_TYPE, [json.dumps({"error": entry.error}).encode()]
    response = _response(entry, model, number)
    if not stream:
        return JSON_TYPE, [json.dumps(response).encode()] if entry.ends == "whole" else []
    events = list(_events(response))
    if entry.ends != "whole":
        events.pop()
    return SSE_TYPE, [sse.write([{**event, "sequence_number": index}]) for index, event in enumerate(events)]


def _moments(timing: Timing, count: int) -> list[float]:
    """The first at the first token, the others spread to the end; a single one at the end."""
    if count == 1:
        return [timing.seconds]
    rest = max(0.0, timing.seconds - timing.first_token)
    return [timing.first_token + rest * index / (count - 1) for index in range(count)]


def _response(entry: Entry, model: str, number: int) -> Item:
    usage = {"input_tokens": 0, "output_tokens": 0} | entry.usage
    usage.setdefault("total_tokens", usage["input_tokens"] + usage["output_tokens"])
    return {
        "id": f"resp_replay_{number}",
        "object": "response",
        "created_at": 0,
        "status": "completed",
        "model": model,
        "error": None,
        "incomplete_details": None,
        "output": [_whole(item, f"{number}_{index}") for index, item in enumerate(entry.output)],
        "usage": usage,
        **entry.response,
    }


def _whole(item: Item, suffix: str) -> Item:
    """An item with the id and status that the API would give, where a hand-written one has none."""
    given: dict[str, Any] = {"id": f"{item['type']}_replay_{suffix}"}
    if item["type"] == "reasoning":
        given["summary"] = []
    else:
        given["status"] = "completed"
    if item["type"] == "message":
        given["role"] = "assistant"
    return given | item


def _events(response: Item) -> Iterator[dict[str, Any]]:
    begun = response | {"status": "in_progress", "output": [], "usage": None, "error": None, "incomplete_details": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(response["output"]):
        place = {"output_index": index, "item_id": item["id"]}
        yield {"type": "response.output_item.added", "output_index": index, "item": _opened(item)}
        yield from _parts(item, place)
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": f"response.{response['status']}", "response": response}


def _opened(item: Item) -> Item:
    empty: dict[str, Any] = {"content": []} if item["type"] == "message" else {}
    if item["type"] in _DELTAS:
        empty[_DELTAS[item["type"]][1]] = ""
    return item | empty | ({"status": "in_progress"} if "status" in item else {})


def _parts(item: Item, place: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if item["type"] in _DELTAS:
        name, field = _DELTAS[item["type"]]
        yield {"type": f"{name}.delta", **place, "delta": item.get(field, "")}
        yield {"type": f"{name}.done", **place, field: item.get(field, "")}
    content = item.get("content") if item["type"] == "message" else None
    for index, part in enumerate(content if isinstance(content, list) else []):
        if part.get("type") != "output_text":
            continue
        where = {**place, "content_index": index}
        yield {"type": "response.content_part.added", **where, "part": part | {"text": ""}}
        yield {"type": "response.output_text.delta", **where, "delta": part["text"]}
        yield {"type": "response.output_text.done", **where, "text": part["text"]}
        yield {"type": "response.content_part.done", **where, "part": part}

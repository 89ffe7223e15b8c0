"""An answer of Anthropic's Messages API, rebuilt from the events of its stream as far as they came.

Source: https://docs.anthropic.com/en/api/messages-streaming. The input of a tool comes as pieces of JSON; where they do not make
up an object, they are kept in the block as `partial_json`.
"""

from collections.abc import Iterable
from typing import Any

from oneshot_proxy import outcome
from oneshot_proxy.protocols.reading import Unknown, index, json_object, mapping, string

PARTIAL = "partial_json"
_DELTAS = {
    "text_delta": "text",
    "input_json_delta": PARTIAL,
    "thinking_delta": "thinking",
    "signature_delta": "signature",
}
_QUIET = frozenset({"content_block_stop", "message_stop", "ping"})


def rebuild(events: Iterable[dict[str, Any]], unknown: Unknown) -> tuple[dict[str, Any], str]:
    """The message, and the API's words on what failed."""
    stream = _Stream()
    for event in events:
        stream.take(event, unknown)
    return stream.message(), stream.error


def with_usage(message: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """A message's `usage` once a `message_delta` has come: its counts are cumulative, what it leaves out stays."""
    later = {name: value for name, value in mapping(event.get("usage")).items() if value is not None}
    return mapping(message.get("usage")) | later


class _Stream:
    def __init__(self) -> None:
        self.error = ""
        self._message: dict[str, Any] = {}
        self._blocks: dict[int, dict[str, Any]] = {}
        self._pieces: dict[tuple[int, str], list[str]] = {}

    def take(self, event: dict[str, Any], unknown: Unknown) -> None:
        kind = string(event.get("type"))
        place = index(event.get("index"), 0)
        if kind == "message_start":
            self._message = dict(mapping(event.get("message")))
        elif kind == "content_block_start":
            self._blocks[place] = mapping(event.get("content_block"))
        elif kind == "content_block_delta":
            self._delta(place, mapping(event.get("delta")), unknown)
        elif kind == "message_delta":
            counted = with_usage(self._message, event)
            self._message |= mapping(event.get("delta")) | ({"usage": counted} if counted else {})
        elif kind == "error" or isinstance(event.get("error"), dict):
            self.error = outcome.error_words(event) or "the stream reported an error"
        elif kind not in _QUIET:
            unknown.add(f"event type {kind!r}")

    def _delta(self, place: int, delta: dict[str, Any], unknown: Unknown) -> None:
        kind = string(delta.get("type"))
        block = self._blocks.setdefault(place, {"type": "text"})
        if kind in _DELTAS:
            field = _DELTAS[kind]
            first = [string(block.get(field))] if field != PARTIAL else []
            self._pieces.setdefault((place, field), first).append(string(delta.get(field)))
        elif kind == "citations_delta":
            given = block.get("citations")
            self._blocks[place] = block | {
                "citations": [*(given if isinstance(given, list) else []), delta.get("citation")]
            }
        else:
            unknown.add(f"delta type {kind!r}")

    def message(self) -> dict[str, Any]:
        blocks = {place: dict(block) for place, block in self._blocks.items()}
        for (place, field), pieces in self._pieces.items():
            text = "".join(pieces)
            if field == PARTIAL and (given := json_object(text.encode())) is not None:
                blocks[place]["input"] = given
            elif text or field != PARTIAL:
                blocks[place][field] = text
        if not blocks:
            return self._message
        return self._message | {"content": [blocks[place] for place in sorted(blocks)]}

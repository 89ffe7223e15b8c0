"""Streams of Anthropic's Messages, whole, cut and strange."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from oneshot_proxy import protocols
from oneshot_proxy.model import ModelCall
from proxy.protocols.examples import JSON, mutated, record, stream
from proxy.protocols.test_messages import REQUEST, RESPONSE

START_USAGE = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 200,
    "cache_read_input_tokens": 3000,
    "output_tokens": 1,
}
START = {"type": "message_start", "message": RESPONSE | {"content": [], "stop_reason": None, "usage": START_USAGE}}


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    pieces = [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *pieces,
        {"type": "content_block_stop", "index": index},
    ]


EVENTS = [
    START,
    {"type": "ping"},
    *block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "hm"},
        {"type": "signature_delta", "signature": "sig"},
    ),
    *block(
        1,
        {"type": "text", "text": ""},
        {"type": "text_delta", "text": "Do"},
        {"type": "text_delta", "text": "ne."},
        {"type": "citations_delta", "citation": {"url": "x"}},
    ),
    *block(
        2,
        {"type": "tool_use", "id": "tu1", "name": "run", "input": {}},
        {"type": "input_json_delta", "partial_json": '{"a"'},
        {"type": "input_json_delta", "partial_json": ": 1}"},
    ),
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 7},
    },
    {"type": "message_stop"},
]
WHOLE = stream(*EVENTS)


def decode(response: bytes, **how: Any) -> ModelCall:
    call = protocols.decode(record("/v1/messages", REQUEST | {"stream": True}, response, **how))
    assert call is not None
    return call


def test_a_whole_stream() -> None:
    call = decode(WHOLE)
    assert [(item.kind, item.text, item.arguments) for item in call.output] == [
        ("reasoning", "hm", ""),
        ("message", "Done.", ""),
        ("tool_call", "", '{"a":1}'),
    ]
    assert call.output[0].raw == {"type": "thinking", "thinking": "hm", "signature": "sig"}
    assert call.output[1].raw["citations"] == [{"url": "x"}]
    assert call.output[2].raw == {"type": "tool_use", "id": "tu1", "name": "run", "input": {"a": 1}}
    assert (call.response_id, call.finish, call.error, call.unknown) == ("msg_1", "tool_use", "", ())
    assert call.usage
    assert (call.usage.input_tokens, call.usage.cached_tokens, call.usage.output_tokens) == (3210, 3000, 7)


def test_a_cut_stream_keeps_what_arrived_at_every_byte() -> None:
    said = []
    for end in range(len(WHOLE)):
        call = decode(WHOLE[:end], error="cut")
        assert call.unknown == (), WHOLE[:end]
        said.append(len(call.output))
    assert said == sorted(said)
    assert said[-1] == 3


def test_a_tools_input_that_was_cut_is_kept_as_it_came() -> None:
    call = decode(stream(*EVENTS[:-4]))
    assert (call.output[2].arguments, call.output[2].raw["input"]) == ('{"a"', {})


def test_strange_events() -> None:
    assert decode(stream({"type": "smell"})).unknown == ("event type 'smell'",)
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "smell_delta"}}
    assert decode(stream(delta)).unknown == ("delta type 'smell_delta'",)
    failed = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    assert decode(stream(START, failed)).error == "overloaded_error: busy"


@given(mutated(EVENTS))
def test_any_change_is_read_without_an_exception(events: Any) -> None:
    decode(stream(*(event for event in events if isinstance(event, dict))))


@given(st.sampled_from(sorted({str(event["type"]) for event in EVENTS})), st.dictionaries(st.text(max_size=9), JSON))
def test_any_fields_are_read_without_an_exception(kind: str, fields: dict[str, Any]) -> None:
    decode(stream(START, {"index": 2**70, **fields, "type": kind}, *EVENTS))

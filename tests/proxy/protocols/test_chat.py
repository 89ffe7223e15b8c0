"""Chat Completions, whole and streamed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneshot_proxy import protocols
from oneshot_proxy.model import ModelCall
from oneshot_proxy.usage import Usage
from proxy.protocols.examples import JSON, mutated, record, stream

TOOL = {"type": "function", "function": {"name": "run"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "run", "arguments": '{"a":1}'}}
USAGE = {
    "prompt_tokens": 100,
    "prompt_tokens_details": {"cached_tokens": 40},
    "completion_tokens": 5,
    "completion_tokens_details": {"reasoning_tokens": 2},
}
REQUEST: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "data:,"}}],
        },
        {"role": "assistant", "content": "Well", "reasoning_content": "hm", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "out"},
    ],
    "tools": [TOOL],
    "temperature": 0,
}
RESPONSE: dict[str, Any] = {
    "id": "chatcmpl-1",
    "model": "m-2026",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {"role": "assistant", "content": None, "tool_calls": [CALL]},
        }
    ],
    "usage": USAGE,
}


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


EVENTS = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning_content": "hm"}),
    chunk({"content": "Do"}),
    chunk({"content": "ne."}),
    chunk({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "run", "arguments": ""}}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]}),
    chunk({"tool_calls": [{"index": 1, "id": "c2", "function": {"name": "stop", "arguments": "{}"}}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}),
    chunk({}, "tool_calls"),
    {"id": "chatcmpl-1", "choices": [], "usage": USAGE},
]
WHOLE = stream(*EVENTS) + b"data: [DONE]\n\n"


def decode(request: object = REQUEST, response: object = RESPONSE, **how: Any) -> ModelCall:
    call = protocols.decode(record("/v1/chat/completions", request, response, **how))
    assert call is not None
    return call


def test_a_whole_call() -> None:
    call = decode()
    assert [(item.kind, item.role, item.text) for item in call.input] == [
        ("message", "system", "Be brief."),
        ("message", "user", "hi"),
        ("reasoning", "assistant", "hm"),
        ("message", "assistant", "Well"),
        ("tool_call", "assistant", ""),
        ("tool_result", "tool", "out"),
    ]
    assert call.input[0].raw == REQUEST["messages"][0]
    assert [(item.name, item.call_id, item.arguments) for item in call.output] == [("run", "c1", '{"a":1}')]
    assert (call.wire_api, call.model, call.tools, call.parameters) == ("chat", "m", (TOOL,), {"temperature": 0})
    assert (call.response_id, call.finish, call.error, call.unknown) == ("chatcmpl-1", "tool_calls", "", ())
    assert call.usage == Usage(100, 40, 5, 2)


def test_a_whole_stream() -> None:
    call = decode(response=WHOLE)
    assert [(item.kind, item.text, item.arguments) for item in call.output] == [
        ("reasoning", "hm", ""),
        ("message", "Done.", ""),
        ("tool_call", "", '{"a":1}'),
        ("tool_call", "", "{}"),
    ]
    assert [item.call_id for item in call.output[2:]] == ["c1", "c2"]
    assert (call.finish, call.response_id, call.unknown, call.usage) == (
        "tool_calls",
        "chatcmpl-1",
        (),
        Usage(100, 40, 5, 2),
    )


def test_a_cut_stream_keeps_what_arrived_at_every_byte() -> None:
    said = []
    for end in range(len(WHOLE)):
        call = decode(response=WHOLE[:end], error="cut")
        assert call.unknown == (), WHOLE[:end]
        said.append(sum(len(item.text + item.arguments) for item in call.output))
    assert said == sorted(said)


def test_older_and_custom_calls() -> None:
    legacy = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    custom = {"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "g", "input": "x"}}]}
    answer = {"role": "function", "name": "f", "content": "out"}
    items = decode({"messages": [legacy, answer, custom]}).input
    assert [(i.kind, i.name, i.call_id, i.arguments, i.text) for i in items] == [
        ("tool_call", "f", "f", "{}", ""),
        ("tool_result", "f", "f", "", "out"),
        ("tool_call", "g", "c", "x", ""),
    ]
    parts = stream(
        chunk({"function_call": {"name": "f", "arguments": "{"}}), chunk({"function_call": {"arguments": "}"}})
    )
    assert [(item.name, item.arguments) for item in decode(response=parts).output] == [("f", "{}")]


def test_errors() -> None:
    assert decode(response={"error": {"message": "no", "code": "x"}}, status=400).error == "x: no"
    assert decode(response={"error": {"message": "no", "code": "x"}}).error == "x: no"
    assert decode(response=stream({"error": {"message": "no", "code": "x"}})).error == "x: no"


@pytest.mark.parametrize(
    ("request_body", "response", "words"),
    [
        ({"messages": [{"role": "ghost"}]}, RESPONSE, "role 'ghost'"),
        ({"messages": [1]}, RESPONSE, "a message that is no object"),
        ({"messages": {}}, RESPONSE, "messages that are no list but dict"),
        ({"messages": [{"role": "user", "content": [{"type": "smell"}]}]}, RESPONSE, "content type 'smell'"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"type": "new"}]}]}, RESPONSE, "tool call type 'new'"),
        ({}, RESPONSE | {"choices": [{}, {}]}, "2 choices: the first is read"),
        ({}, stream(chunk({"smell": 1})), "delta field 'smell'"),
        ({}, stream({"new": 1}), "an event without choices"),
    ],
)
def test_what_is_not_understood_is_named(request_body: object, response: object, words: str) -> None:
    assert decode(request_body, response).unknown == (words,)


@given(mutated(REQUEST), mutated(RESPONSE), mutated(EVENTS))
def test_any_change_is_read_without_an_exception(request_body: object, response: object, events: Any) -> None:
    decode(request_body, response)
    decode(request_body, stream(*(event for event in events if isinstance(event, dict))))


@given(st.binary(), st.dictionaries(st.sampled_from(["choices", "messages", "usage", "error"]), JSON))
def test_anything_is_read_without_an_exception(sent: bytes, fields: dict[str, Any]) -> None:
    decode(sent, fields)
    decode(fields, stream(fields))

"""Anthropic's Messages, as requests and whole answers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneshot_proxy import protocols
from oneshot_proxy.model import Item, ModelCall
from proxy.protocols.examples import JSON, mutated, record

TOOL = {"name": "run", "input_schema": {"type": "object"}}
CALL = {"type": "tool_use", "id": "tu1", "name": "run", "input": {"a": 1}}
REQUEST: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 100,
    "system": [
        {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "Be kind."},
    ],
    "messages": [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "text", "text": "Well"},
                CALL,
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "tu1", "content": [{"type": "text", "text": "out"}]},
                {"type": "image", "source": {"type": "base64", "data": ""}},
            ],
        },
    ],
    "tools": [TOOL],
}
USAGE = {"input_tokens": 10, "cache_creation_input_tokens": 200, "cache_read_input_tokens": 3000, "output_tokens": 7}
RESPONSE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "content": [{"type": "text", "text": "Done."}, CALL],
    "stop_reason": "tool_use",
    "usage": USAGE,
}


def decode(request: object = REQUEST, response: object = RESPONSE, **how: Any) -> ModelCall:
    call = protocols.decode(record("/v1/messages", request, response, **how))
    assert call is not None
    return call


def one(block: dict[str, Any]) -> tuple[Item, tuple[str, ...]]:
    call = decode({"messages": [{"role": "user", "content": [block]}]})
    return call.input[0], call.unknown


def test_a_whole_call() -> None:
    call = decode()
    assert (call.wire_api, call.model, call.instructions) == ("messages", "claude-sonnet-4-5", "Be brief.\nBe kind.")
    assert [(item.kind, item.role, item.text) for item in call.input] == [
        ("message", "user", "hi"),
        ("reasoning", "assistant", "hm"),
        ("message", "assistant", "Well"),
        ("tool_call", "assistant", ""),
        ("tool_result", "tool", "out"),
        ("message", "user", ""),
    ]
    assert (call.tools, call.parameters) == ((TOOL,), {"max_tokens": 100})
    assert [(item.text, item.name, item.call_id, item.arguments) for item in call.output] == [
        ("Done.", "", "", ""),
        ("", "run", "tu1", '{"a":1}'),
    ]
    assert (call.response_id, call.finish, call.error, call.unknown) == ("msg_1", "tool_use", "", ())


def test_cached_tokens_are_a_part_of_the_input() -> None:
    usage = decode().usage
    assert usage
    assert (usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens, usage.output_tokens) == (
        3210,
        3000,
        200,
        7,
    )


def test_tools_of_the_provider() -> None:
    item, unknown = one(
        {"type": "web_search_tool_result", "tool_use_id": "t", "content": [{"type": "web_search_result"}]}
    )
    assert (item.kind, item.call_id, item.text, unknown) == ("tool_result", "t", '[{"type":"web_search_result"}]', ())
    item, unknown = one({"type": "mcp_tool_use", "id": "t", "name": "n", "server_name": "s", "input": {}})
    assert (item.kind, item.name, item.namespace, item.arguments, unknown) == ("tool_call", "n", "s", "{}", ())


def test_errors() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    assert decode(response=error, status=529).error == "overloaded_error: busy"
    assert decode(response=error).error == "overloaded_error: busy"


@pytest.mark.parametrize(
    ("request_body", "words"),
    [
        ({"messages": [{"role": "user", "content": [{"type": "smell"}]}]}, "content type 'smell'"),
        ({"messages": [{"role": "ghost", "content": ""}]}, "role 'ghost'"),
        ({"messages": [1]}, "a message that is no object"),
        ({"messages": {}}, "messages that are no list but dict"),
        ({"messages": [{"role": "user", "content": {}}]}, "content that is no list but dict"),
        ({"messages": [{"role": "user", "content": [1]}]}, "a content block that is no object"),
        ({"system": [{"type": "smell"}]}, "content type 'smell'"),
    ],
)
def test_what_is_not_understood_is_named(request_body: object, words: str) -> None:
    assert decode(request_body).unknown == (words,)


@given(mutated(REQUEST), mutated(RESPONSE))
def test_any_change_is_read_without_an_exception(request_body: object, response: object) -> None:
    decode(request_body, response)


@given(st.binary(), st.dictionaries(st.sampled_from(["content", "system", "messages", "usage", "error"]), JSON))
def test_anything_is_read_without_an_exception(sent: bytes, fields: dict[str, Any]) -> None:
    decode(sent, fields)
    decode(fields, fields)

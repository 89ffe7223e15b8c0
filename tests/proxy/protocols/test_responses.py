"""The Responses API, as requests and whole answers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneshot_proxy import protocols
from oneshot_proxy.model import Item, ModelCall
from oneshot_proxy.usage import Usage
from proxy.protocols.examples import mutated, record

TOOL = {"type": "function", "name": "shell", "parameters": {"type": "object"}}
NAMESPACE = {"type": "namespace", "name": "mcp__oneshot", "description": "d", "tools": [TOOL]}
MESSAGE = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Done.", "annotations": []}],
}
CALL = {
    "type": "function_call",
    "id": "fc",
    "call_id": "c1",
    "name": "run",
    "namespace": "mcp__x",
    "arguments": '{"a":1}',
}
USAGE = {
    "input_tokens": 1000,
    "input_tokens_details": {"cached_tokens": 400},
    "output_tokens": 50,
    "output_tokens_details": {"reasoning_tokens": 20},
}
REQUEST: dict[str, Any] = {
    "model": "gpt-5.5",
    "instructions": "You are Codex.",
    "input": [
        {"type": "additional_tools", "role": "developer", "tools": [NAMESPACE]},
        {"role": "user", "content": "hi"},
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}],
        },
        CALL,
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "out"}]},
    ],
    "tools": [TOOL],
    "reasoning": {"effort": "high"},
    "stream": False,
}
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "status": "completed",
    "model": "gpt-5.5-2026",
    "output": [MESSAGE],
    "usage": USAGE,
}


def decode(request: object = REQUEST, response: object = RESPONSE, **how: Any) -> ModelCall:
    call = protocols.decode(record("/v1/responses", request, response, **how))
    assert call is not None
    return call


def one(raw: dict[str, Any]) -> tuple[Item, tuple[str, ...]]:
    call = decode({"input": [raw]})
    return call.input[0], call.unknown


def test_a_whole_call() -> None:
    call = decode()
    assert (call.wire_api, call.model, call.instructions) == ("responses", "gpt-5.5", "You are Codex.")
    assert call.tools == (TOOL,)
    assert call.definitions == (TOOL, NAMESPACE)
    assert call.parameters == {"reasoning": {"effort": "high"}, "stream": False}
    assert [(item.kind, item.role, item.text) for item in call.input] == [
        ("tools", "developer", ""),
        ("message", "user", "hi"),
        ("reasoning", "assistant", "a\n\nb"),
        ("tool_call", "assistant", ""),
        ("tool_result", "tool", "out"),
    ]
    made = call.input[3]
    assert (made.name, made.namespace, made.call_id, made.arguments) == ("run", "mcp__x", "c1", '{"a":1}')
    assert call.input[3].raw == CALL
    assert [item.text for item in call.output] == ["Done."]
    assert call.usage == Usage(1000, 400, 50, 20)
    assert (call.response_id, call.finish, call.error, call.unknown) == ("resp_1", "completed", "", ())


def test_input_as_a_string_is_a_users_message() -> None:
    (item,) = decode({"input": "hi"}).input
    assert (item.kind, item.role, item.text) == ("message", "user", "hi")


@pytest.mark.parametrize(
    ("raw", "name", "arguments"),
    [
        (
            {"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": "*** Begin"},
            "apply_patch",
            "*** Begin",
        ),
        (
            {"type": "local_shell_call", "call_id": "c", "action": {"command": ["ls"]}},
            "local_shell",
            '{"command":["ls"]}',
        ),
        (
            {"type": "tool_search_call", "call_id": "c", "arguments": {"query": "task"}},
            "tool_search",
            '{"query":"task"}',
        ),
        ({"type": "web_search_call", "id": "c", "action": {"type": "search"}}, "web_search", '{"type":"search"}'),
    ],
)
def test_calls_of_every_kind(raw: dict[str, Any], name: str, arguments: str) -> None:
    item, unknown = one(raw)
    assert (item.kind, item.name, item.call_id, item.arguments, unknown) == ("tool_call", name, "c", arguments, ())


def test_tools_that_a_search_found_are_an_answer_and_definitions() -> None:
    item, unknown = one({"type": "tool_search_output", "call_id": "c", "tools": [NAMESPACE]})
    assert (item.kind, item.role, item.call_id, item.tools, unknown) == ("tools", "tool", "c", (NAMESPACE,), ())


def test_a_note_from_another_agent_names_its_author() -> None:
    item, unknown = one(
        {"type": "agent_message", "author": "/root/a", "content": [{"type": "input_text", "text": "go"}]}
    )
    assert (item.kind, item.role, item.name, item.text, unknown) == ("message", "user", "/root/a", "go", ())


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ({"output": "plain"}, "plain"),
        ({"output": {"exit": 0}}, '{"exit":0}'),
        ({"output": [{"stdout": "a"}]}, '[{"stdout":"a"}]'),
        ({"output": [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "data:,"}]}, "a"),
        ({}, ""),
    ],
)
def test_outputs_in_every_shape(raw: dict[str, Any], text: str) -> None:
    item, unknown = one({"type": "function_call_output", "call_id": "c", **raw})
    assert (item.text, unknown) == (text, ())


@pytest.mark.parametrize("kind", ["compaction", "context_compaction", "configuration_update"])
def test_marks_are_understood(kind: str) -> None:
    item, unknown = one({"type": kind, "encrypted_content": "x"})
    assert (item.kind, unknown) == ("other", ())


@pytest.mark.parametrize(
    ("request_body", "words"),
    [
        ({"input": [{"type": "brand_new", "x": 1}]}, "item type 'brand_new'"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "item type 'item_reference'"),
        ({"input": [{"role": "user", "content": [{"type": "input_smell"}]}]}, "content type 'input_smell'"),
        ({"input": [1]}, "an item that is no object"),
        ({"input": {}}, "items that are no list but dict"),
        ({"previous_response_id": "r"}, "previous_response_id: part of the conversation is not in the request"),
        (b"\xff", "the request is no JSON object"),
    ],
)
def test_what_is_not_understood_is_named(request_body: object, words: str) -> None:
    assert decode(request_body).unknown == (words,)


def test_an_unknown_item_is_kept() -> None:
    item, _ = one({"type": "brand_new", "x": 1})
    assert (item.kind, item.raw) == ("other", {"type": "brand_new", "x": 1})


def test_ends_that_are_none() -> None:
    cut_short = RESPONSE | {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    assert decode(response=cut_short).finish == "max_output_tokens"
    failed = RESPONSE | {"status": "failed", "error": {"code": "server_error", "message": "no"}}
    assert (decode(response=failed).finish, decode(response=failed).error) == ("failed", "server_error: no")
    refused = decode(response={"error": {"message": "slow down", "code": "rate"}}, status=429)
    assert (refused.finish, refused.error, refused.unknown) == ("", "rate: slow down", ())


def test_an_answer_that_is_no_json_is_said_unless_it_was_cut() -> None:
    html = record("/v1/responses", REQUEST, b"<html>", content_type="text/html")
    call = protocols.decode(html)
    assert call
    assert call.unknown == ("the answer is no JSON object",)
    cut = protocols.decode(record("/v1/responses", REQUEST, b'{"id', content_type="application/json", error="cut"))
    assert cut
    assert cut.unknown == ()


def test_codex_compaction_is_a_call_too() -> None:
    call = protocols.decode(
        record("/backend-api/codex/responses/compact", REQUEST, {"output": [{"type": "compaction"}]})
    )
    assert call
    assert ([item.kind for item in call.output], call.unknown) == (["other"], ())


def test_text_holds_no_lone_surrogates() -> None:
    item, _ = one({"role": "user", "content": "a\ud800"})
    assert item.text == "a?"


@given(mutated(REQUEST), mutated(RESPONSE))
def test_any_change_is_read_without_an_exception(request_body: object, response: object) -> None:
    decode(request_body, response)


@given(st.binary(), st.binary(), st.sampled_from(["text/event-stream", "application/json", ""]))
def test_any_bytes_are_read_without_an_exception(sent: bytes, came: bytes, kind: str) -> None:
    decode(sent, came, content_type=kind)

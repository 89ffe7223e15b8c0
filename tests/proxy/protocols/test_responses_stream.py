"""Streams of the Responses API, whole, cut and strange."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fakes import model_server
from oneshot_proxy import playback, protocols
from oneshot_proxy.cassette import Entry
from oneshot_proxy.model import ModelCall
from proxy.protocols.examples import JSON, mutated, record, stream
from proxy.protocols.test_responses import CALL, MESSAGE, REQUEST, USAGE

OUTPUT = [
    {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "abc"},
    CALL,
    {"type": "custom_tool_call", "id": "ct", "call_id": "c2", "name": "exec", "input": "await x"},
    MESSAGE | {"id": "m", "status": "completed"},
]
WHOLE = playback.answer(Entry(output=OUTPUT, usage=USAGE | {"total_tokens": 1050}), "gpt-5.5", 1, stream=True).body
EVENTS = [json.loads(line[6:]) for line in WHOLE.decode().split("\n") if line.startswith("data: ")]


def decode(response: bytes, **how: Any) -> ModelCall:
    call = protocols.decode(record("/v1/responses", REQUEST | {"stream": True}, response, **how))
    assert call is not None
    return call


def test_a_whole_stream() -> None:
    call = decode(WHOLE)
    assert [item.kind for item in call.output] == ["reasoning", "tool_call", "tool_call", "message"]
    assert (call.output[1].arguments, call.output[2].arguments, call.output[3].text) == ('{"a":1}', "await x", "Done.")
    assert (call.finish, call.response_id, call.error, call.unknown) == ("completed", "resp_replay_1", "", ())
    assert call.usage
    assert call.usage.tokens == 1050


def test_the_fake_servers_stream() -> None:
    call = decode(b"".join(model_server.call("exec_command", {"cmd": "ls"}).chunks))
    assert [(item.name, item.arguments) for item in call.output] == [("exec_command", '{"cmd": "ls"}')]
    assert call.unknown == ()


def test_items_come_from_their_events_where_the_last_holds_none() -> None:
    bare = [e | ({"response": e["response"] | {"output": []}} if "response" in e else {}) for e in EVENTS]
    assert decode(stream(*bare)).output == decode(WHOLE).output


def test_a_cut_stream_keeps_what_arrived_at_every_byte() -> None:
    said = []
    for end in range(len(WHOLE)):
        call = decode(WHOLE[:end], error="cut")
        assert call.unknown == (), WHOLE[:end]
        said.append(len(call.output))
        if b"event: response.completed" not in WHOLE[:end]:
            assert call.finish == ""
    assert said == sorted(said)
    assert said[-1] == 4


def test_deltas_of_items_that_were_not_done() -> None:
    place = {"output_index": 1}
    call = decode(
        stream(
            {"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "summary": []}},
            {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 1, "delta": "b"},
            {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "a"},
            {"type": "response.output_text.delta", **place, "content_index": 0, "delta": "Hel"},
            {"type": "response.output_text.delta", **place, "content_index": 0, "delta": "lo"},
            {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": '{"cm'},
            {"type": "response.refusal.delta", "output_index": 3, "delta": "no"},
        )
    )
    assert [item.text or item.arguments for item in call.output] == ["a\n\nb", "Hello", '{"cm', "no"]
    assert [item.emitted for item in call.output] == [True] * 4


def test_the_last_event_may_lack_its_empty_line() -> None:
    assert decode(WHOLE.rstrip()).finish == "completed"


def test_failures() -> None:
    failed = {"status": "failed", "error": {"code": "invalid_prompt", "message": "no"}}
    call = decode(stream({"type": "response.failed", "response": failed}))
    assert (call.finish, call.error) == ("failed", "invalid_prompt: no")
    call = decode(stream({"type": "error", "code": "rate", "message": "slow"}))
    assert (call.finish, call.error) == ("", "rate: slow")


def test_events_that_are_not_understood_are_named_unless_their_item_came_whole() -> None:
    strange = {"type": "response.smell.delta", "output_index": 0, "delta": "x"}
    assert decode(stream(strange, *EVENTS)).unknown == ()
    assert decode(stream(strange)).unknown == ("event type 'response.smell.delta'",)
    assert decode(stream({"type": "response.new"}, *EVENTS)).unknown == ("event type 'response.new'",)
    assert decode(stream({"type": "keepalive"}, {"type": "codex.rate_limits"}, *EVENTS)).unknown == ()
    assert decode(b"data: {\n\n" + WHOLE).unknown == ("an event that is no JSON object",)


@given(mutated(EVENTS))
def test_any_change_is_read_without_an_exception(events: Any) -> None:
    decode(stream(*(event for event in events if isinstance(event, dict))))


@given(st.sampled_from(sorted({event["type"] for event in EVENTS})), st.dictionaries(st.text(max_size=9), JSON))
def test_any_fields_are_read_without_an_exception(kind: str, fields: dict[str, Any]) -> None:
    decode(stream({"output_index": 2**70, **fields, "type": kind}))

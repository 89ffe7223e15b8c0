"""Cassettes, and what a model itself said in a request."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneshot_proxy.cassette import digest, emitted, parse
from oneshot_shared.errors import BadInput

HEADER = {"format": "oneshot-cassette/1", "wire_api": "responses", "model": "gpt-5", "origin": "test"}
CALL = {"type": "function_call", "name": "exec", "call_id": "c1", "arguments": "{}"}


def lines(*values: object) -> bytes:
    return "\n".join(json.dumps(value) for value in values).encode()


_ID = st.fixed_dictionaries({}, optional={"id": st.text(), "status": st.sampled_from(["completed", "in_progress"])})
_SAID = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("function_call"), "name": st.text(), "call_id": st.text(), "arguments": st.text()}
    ),
    st.fixed_dictionaries(
        {"type": st.just("custom_tool_call"), "name": st.text(), "call_id": st.text(), "input": st.text()}
    ),
    st.fixed_dictionaries(
        {"type": st.just("reasoning"), "encrypted_content": st.text(), "summary": st.lists(st.text())}
    ),
    st.text(min_size=1).map(
        lambda t: {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": t, "annotations": []}],
        }
    ),
)
_OTHERS = st.one_of(
    st.fixed_dictionaries({"type": st.just("function_call_output"), "call_id": st.text(), "output": st.text()}),
    st.fixed_dictionaries({"role": st.sampled_from(["user", "developer", "system"]), "content": st.text()}),
    st.fixed_dictionaries({"type": st.just("additional_tools"), "tools": st.just([])}),
)


@given(st.lists(_SAID, max_size=6), st.data())
def test_only_what_the_model_said_counts(said: list[dict[str, Any]], data: st.DataObject) -> None:
    mixed: list[dict[str, Any]] = []
    for item in said:
        mixed += data.draw(st.lists(_OTHERS, max_size=2))
        mixed.append(item | data.draw(_ID))
    mixed += data.draw(st.lists(_OTHERS, max_size=2))
    assert emitted(mixed) == emitted(said)
    assert len(emitted(said)) == sum(item["type"] != "reasoning" for item in said)
    assert digest(emitted(mixed)) == digest(emitted(said))


@given(st.lists(_SAID, max_size=4), st.lists(_SAID, max_size=4))
def test_digests_are_equal_only_for_equal_sequences(left: list[dict[str, Any]], right: list[dict[str, Any]]) -> None:
    assert (digest(emitted(left)) == digest(emitted(right))) == (emitted(left) == emitted(right))


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["type", "role", "content", "name"]), st.none() | st.text() | st.lists(st.none())
        )
    )
)
def test_any_items_are_read_without_an_error(items: list[dict[str, Any]]) -> None:
    digest(emitted(items))


def test_the_order_of_keys_and_the_shape_of_text_do_not_count() -> None:
    parts = [{"type": "output_text", "text": "a"}, {"type": "output_text", "text": "b"}]
    assert emitted([{"role": "assistant", "content": parts}]) == emitted(
        [{"content": "ab", "type": "message", "role": "assistant"}]
    )


def test_a_hand_written_conversation_is_linear() -> None:
    tape = parse("demo", lines(HEADER, {"output": [CALL]}, {"output": []}))
    assert [entry.after for entry in tape.entries] == [digest([]), digest(emitted([CALL]))]


def test_a_given_after_is_kept() -> None:
    assert parse("demo", lines(HEADER, {"after": "0" * 64, "output": []})).entries[0].after == "0" * 64


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has 0 lines"),
        (lines(HEADER), "has 1 lines"),
        (lines(HEADER | {"format": "oneshot-cassette/2"}, {}), "line 1: format"),
        (lines(HEADER, {"outputs": []}), "line 2: outputs: .*did you mean 'output'"),
        (lines(HEADER, {"after": "abc"}), "line 2: after"),
        (lines(HEADER, {"output": [{}]}), "line 2: every item of `output` needs a `type`"),
        (lines(HEADER, {"output": [{"type": "message", "content": "hi"}]}), "line 2: a message needs `content`"),
        (lines(HEADER, {"usage": {"input_tokens": "many"}}), "whole numbers"),
        (lines(HEADER, {"status": 429}), "goes with a status from 400 on"),
        (lines(HEADER) + b"\n{", "line 2 is no JSON"),
        (lines(HEADER) + b"\n\n[]", "line 3"),
    ],
)
def test_what_is_wrong_in_a_cassette_is_said_with_its_line(content: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        parse("demo", content)

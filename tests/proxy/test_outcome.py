"""What an answer says about itself."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneshot_proxy import outcome
from oneshot_proxy.outcome import Outcome
from oneshot_proxy.usage import Usage

RAW = {"input_tokens": 7, "output_tokens": 2}


def stream(*events: object) -> Outcome:
    found = Outcome()
    for event in events:
        found = outcome.after(found, event if isinstance(event, bytes) else json.dumps(event).encode())
    return found


@pytest.mark.parametrize("kind", ["completed", "incomplete", "failed"])
def test_the_last_event_of_the_responses_api_has_the_usage(kind: str) -> None:
    response = {
        "usage": RAW,
        "status": kind,
        "error": {"code": "server_error", "message": "sorry"} if kind == "failed" else None,
    }
    found = stream(
        {"type": "response.created", "response": {"usage": None}}, {"type": f"response.{kind}", "response": response}
    )
    assert found == Outcome(Usage(7, 0, 2), True, "server_error: sorry" if kind == "failed" else "")


def test_a_chat_stream_has_its_usage_before_the_end() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 2}
    chunks = [{"choices": [{}], "usage": None}, {"choices": [], "usage": usage}]
    assert stream(*chunks) == Outcome(Usage(7, 0, 2), False)
    assert stream(*chunks, b"[DONE]") == Outcome(Usage(7, 0, 2), True)


def test_an_error_in_the_stream_is_a_failure() -> None:
    assert stream({"type": "error", "code": "rate", "message": "slow\ndown"}).failure == "rate: slow down"
    assert stream({"error": {"message": "no"}}).failure == "no"
    assert stream({"error": {}}).failure == "the stream reported an error"


def test_plain_json_of_both_apis() -> None:
    assert outcome.of_json(json.dumps({"status": "completed", "usage": RAW, "error": None}).encode()) == Outcome(
        Usage(7, 0, 2), True
    )
    assert outcome.of_json(b'{"status": "failed", "error": null}').failure == "the response failed"
    assert outcome.of_json(b"<html>").failure == "the answer is no JSON object"


def test_error_bodies_become_one_short_line() -> None:
    assert outcome.error_body_words(b'{"error": {"message": "m", "code": "c"}}') == "c: m"
    assert outcome.error_body_words(b'{"error": "m"}') == "m"
    assert outcome.error_body_words(b"<h1>\n Bad</h1>") == "<h1> Bad</h1>"
    assert (
        len(outcome.error_body_words(json.dumps({"error": {"message": "m" * 9999}}).encode())) <= outcome.MAX_SENTENCE
    )


@given(
    st.binary()
    | st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)).map(
        lambda v: json.dumps(v).encode()
    )
)
def test_anything_is_read_without_an_error(data: bytes) -> None:
    outcome.after(Outcome(), data + b'"usage"')
    outcome.after(Outcome(), data)
    outcome.of_json(data)
    outcome.error_body_words(data)


def test_anthropics_stream_counts_at_its_end() -> None:
    start = b'{"type": "message_start", "message": {"usage": {"input_tokens": 5, "cache_read_input_tokens": 90, "output_tokens": 1}}}'
    delta = b'{"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}}'
    assert stream(start) == Outcome()
    assert stream(start, delta) == Outcome(Usage(95, 90, 7))
    assert stream(start, delta, b'{"type": "message_stop"}') == Outcome(Usage(95, 90, 7), True)
    error = b'{"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}'
    assert stream(start, error) == Outcome(None, True, "overloaded_error: busy")
    assert (
        stream(b'{"type": "message_start", "message": {"usage": 1}}', b'{"type": "message_delta", "usage": 1}')
        == Outcome()
    )


@pytest.mark.parametrize(
    ("event", "brings"),
    [
        (b'{"type":"response.output_text.delta","delta":"a"}', True),
        (b'{"type":"response.output_item.done","item":{}}', True),
        (b'{"type":"response.created"}', False),
        (b'{"choices":[{"delta":{"content":"a"}}]}', True),
        (b'{"choices":[{"delta":{"role":"assistant","content":""}}]}', False),
        (b'{"choices":[{"delta":{},"finish_reason":"stop"}]}', False),
        (b'{"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}', True),
        (b'{"type":"message_delta","delta":{"stop_reason":"end_turn"}}', False),
    ],
)
def test_which_events_bring_tokens(event: bytes, brings: bool) -> None:
    assert outcome.brings_tokens(event) is brings


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        (b'.."}], "usage": {"input_tokens": 3, "output_tokens": 1}, "user": null}', Outcome(Usage(3, 0, 1), True)),
        (b'{"usage": {"prompt_tokens": 3}, "x": {"usage": {"cups": 2}}} ', Outcome(Usage(3), True)),
        (b'.."}], "usage": {"input_tokens": 3}, "user": nul', Outcome(Usage(3))),
        (
            b'.. "text": "\\"usage\\": {\\"input_tokens\\": 3}"}',
            Outcome(failure="there was no room for the answer, and its end tells no usage"),
        ),
        (b'.. "usage": {"input_tok', Outcome(failure="there was no room for the answer, and its end tells no usage")),
    ],
)
def test_usage_stands_in_the_end_of_an_answer(tail: bytes, expected: Outcome) -> None:
    assert outcome.of_tail(tail) == expected

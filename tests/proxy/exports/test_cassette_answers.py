"""What a recorded call was answered."""

import json

from hypothesis import given
from hypothesis import strategies as st

from fakes import model_server
from oneshot_proxy.exports import cassette_answers as answers
from proxy.exports.test_cassette import exec_call, record


def test_only_our_own_no_is_a_refusal() -> None:
    ours = {"error": {"message": "m", "code": "oneshot_budget_exceeded"}}
    assert answers.refused(record([], model_server.body(ours, 400)))
    assert not answers.refused(record([], model_server.error(400, "m", "context_length_exceeded")))
    assert not answers.refused(record([], model_server.say("oneshot_budget_exceeded")))


def test_a_stream_that_ends_with_an_error_is_a_failed_response() -> None:
    stream = model_server.Answer([model_server.event("error", code="server_error", message="sorry")])
    fields = answers.answer(record([], stream))
    assert fields["response"] == {"status": "failed", "error": {"code": "server_error", "message": "sorry"}}


def test_an_answer_that_is_one_object() -> None:
    response = {"id": "r", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    fields = answers.answer(record([], model_server.body(response | {"output": [exec_call("ls")]})))
    assert fields["response"] == {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}


@given(
    st.binary(max_size=200), st.sampled_from([0, 200, 429, 502]), st.sampled_from(["text/event-stream", "text/html"])
)
def test_any_bytes_are_taken(body: bytes, status: int, content_type: str) -> None:
    json.dumps(answers.answer(record([], model_server.Answer([body], status, content_type))), default=str)

"""A cassette's answer on the wire."""

import json

from oneshot_proxy import outcome, playback, sse
from oneshot_proxy.cassette import Entry
from oneshot_proxy.outcome import Outcome
from oneshot_proxy.usage import Usage
from proxy.test_cassette import CALL

MESSAGE = {"type": "message", "content": [{"type": "output_text", "text": "Done."}]}
ENTRY = Entry(output=[{"type": "reasoning"}, CALL, MESSAGE], usage={"input_tokens": 7, "output_tokens": 2})


def test_a_stream_has_the_events_of_the_real_api() -> None:
    status, kind, body = playback.answer(ENTRY, "gpt-5", 3, True)
    events = [json.loads(data) for data in sse.Scanner().feed(body)]
    assert (status, kind) == (200, "text/event-stream; charset=utf-8")
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        *("output_item.added", "output_item.done"),
        *("output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done"),
        *("output_item.added", "content_part.added", "output_text.delta", "output_text.done", "content_part.done"),
        "output_item.done",
        "completed",
    ]
    last = events[-1]["response"]
    assert last["output"][1] == {"id": "function_call_replay_3_1", "status": "completed"} | CALL
    assert last["output"][2]["role"] == "assistant"
    assert last["usage"]["total_tokens"] == 9
    assert outcome.after(Outcome(), json.dumps(events[-1]).encode()) == Outcome(Usage(7, 0, 2), True)


def test_without_stream_it_is_the_last_events_response() -> None:
    _, _, streamed = playback.answer(ENTRY, "gpt-5", 3, True)
    _, kind, body = playback.answer(ENTRY, "gpt-5", 3, False)
    assert kind == "application/json"
    assert json.loads(body) == json.loads(sse.Scanner().feed(streamed)[-1])["response"]


def test_a_recorded_error_is_answered_as_one() -> None:
    entry = Entry(status=429, error={"message": "slow down"})
    assert playback.answer(entry, "gpt-5", 1, True) == (429, "application/json", b'{"error": {"message": "slow down"}}')

"""A cassette's answer on the wire."""

import json

from oneshot_proxy import outcome, playback, sse
from oneshot_proxy.cassette import Body, Entry, Timing
from oneshot_proxy.outcome import Outcome
from oneshot_proxy.playback import Answer
from oneshot_proxy.usage import Usage
from proxy.test_cassette import CALL

TIMING = Timing(first_token=1, seconds=3)
MESSAGE = {"type": "message", "content": [{"type": "output_text", "text": "Done."}]}
ENTRY = Entry(output=[{"type": "reasoning"}, CALL, MESSAGE], usage={"input_tokens": 7, "output_tokens": 2})


def test_a_stream_has_the_events_of_the_real_api() -> None:
    answer = playback.answer(ENTRY, "gpt-5", 3, stream=True)
    events = [json.loads(data) for data in sse.Scanner().feed(answer.body)]
    assert (answer.status, answer.headers) == (200, {"content-type": "text/event-stream; charset=utf-8"})
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
    streamed = playback.answer(ENTRY, "gpt-5", 3, stream=True).body
    answer = playback.answer(ENTRY, "gpt-5", 3, stream=False)
    assert answer.headers == {"content-type": "application/json"}
    assert json.loads(answer.body) == json.loads(sse.Scanner().feed(streamed)[-1])["response"]


def test_a_recorded_error_is_answered_as_one() -> None:
    entry = Entry(status=429, error={"message": "slow down"}, headers={"retry-after": "7"}, timing=TIMING)
    answer = playback.answer(entry, "gpt-5", 1, stream=True, recorded_timing=True)
    assert answer == Answer(
        429,
        {"content-type": "application/json", "retry-after": "7"},
        ((3.0, b'{"error": {"message": "slow down"}}'),),
    )


def test_at_once_nobody_waits_to_try_again() -> None:
    entry = Entry(status=429, error={"message": "slow down"}, headers={"retry-after": "7"}, timing=TIMING)
    answer = playback.answer(entry, "gpt-5", 1, stream=True)
    assert answer.headers["retry-after"] == "0"
    assert answer.chunks[0][0] == 0


def test_the_recorded_time_is_kept() -> None:
    answer = playback.answer(ENTRY.model_copy(update={"timing": TIMING}), "gpt-5", 1, stream=True, recorded_timing=True)
    moments = [moment for moment, _ in answer.chunks]
    assert (moments[0], moments[-1]) == (1.0, 3.0)
    assert moments == sorted(moments)


def test_an_answer_that_was_cut_has_no_end() -> None:
    entry = ENTRY.model_copy(update={"ends": "cut"})
    events = sse.Scanner().feed(playback.answer(entry, "gpt-5", 1, stream=True).body)
    assert json.loads(events[-1])["type"] == "response.output_item.done"
    assert playback.answer(entry, "gpt-5", 1, stream=False).chunks == ()
    assert playback.answer(Entry(status=0, ends="cut"), "gpt-5", 1, stream=True).status == 0


def test_a_failed_response_ends_as_one() -> None:
    failed = {"status": "failed", "error": {"code": "server_error", "message": "sorry"}}
    answer = playback.answer(Entry(response=failed), "gpt-5", 1, stream=True)
    last = json.loads(sse.Scanner().feed(answer.body)[-1])
    assert (last["type"], last["response"]["error"]) == ("response.failed", failed["error"])


def test_a_body_of_another_shape_stays_as_it_was() -> None:
    entry = Entry(status=502, body=Body(content_type="text/html", text="<h1>Bad gateway</h1>"))
    answer = playback.answer(entry, "gpt-5", 1, stream=True)
    assert (answer.headers, answer.body) == ({"content-type": "text/html"}, b"<h1>Bad gateway</h1>")

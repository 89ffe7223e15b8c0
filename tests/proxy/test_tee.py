"""The tee in a stream."""

import gzip
import json

from oneshot_proxy import offload, redact
from oneshot_proxy.outcome import Outcome
from oneshot_proxy.room import Room, Share
from oneshot_proxy.tee import Tee
from oneshot_proxy.usage import Usage

LAST = b'data: {"type": "response.completed", "response": {"usage": {"input_tokens": 7, "output_tokens": 2}}}'


def made(
    kind: str = "text/event-stream; charset=utf-8", encoding: str = "", key: str = "", room: int = 1000
) -> tuple[Tee, list[Usage | None]]:
    counted: list[Usage | None] = []
    return Tee(kind, encoding, redact.spellings(key), counted.append, Share(Room(room))), counted


def test_usage_is_counted_before_the_stream_has_ended() -> None:
    sink, counted = made()
    assert sink(b"event: x\n") + sink(LAST + b"\n\n") == b"event: x\n" + LAST + b"\n\n"
    assert counted == [Usage(7, 0, 2)]
    assert sink(b"") == b""
    assert sink.end()[1] == Outcome(Usage(7, 0, 2), True)


def test_a_last_event_without_its_empty_line_counts() -> None:
    sink, _ = made()
    sink(LAST)
    assert sink.end()[1].finished


def test_json_is_read_at_the_end() -> None:
    sink, counted = made("application/json")
    body = json.dumps({"usage": {"prompt_tokens": 3, "completion_tokens": 1}}).encode()
    sink(body[:9])
    sink(body[9:])
    assert sink.end() == (body, Outcome(Usage(3, 0, 1), True), "")
    assert counted == []  # `end` may be called on another thread


def test_an_encoded_stream_is_read_at_the_end() -> None:
    sink, _ = made(encoding="gzip")
    sink(gzip.compress(LAST + b"\n\n"))
    assert sink.size == offload.LARGE
    assert sink.end()[1] == Outcome(Usage(7, 0, 2), True)


def test_what_is_kept_is_bounded_and_says_so() -> None:
    sink, _ = made(room=10)
    assert sink(b"123456") + sink(b"789abcdef") + sink(b"g") == b"123456789abcdefg"
    assert sink.size == 10
    body, _, problem = sink.end()
    assert body == b"123456789a"
    assert problem == "only the first 10 bytes of the answer were kept"


def test_a_key_does_not_pass() -> None:
    sink, _ = made(key="sk-canary-1")
    assert sink(b"a sk-can") + sink(b"ary-1 b") + sink(b"") == b"a *********** b"
    assert sink.end()[0] == b"a *********** b"

"""The tee in a stream."""

import gzip
import json

import brotli
import pytest
import zstandard

from oneshot_proxy import redact
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
    assert counted == []  # it is the caller's to count


ENCODERS = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.compress}


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoded_stream_passes_as_it_came_where_there_is_no_key_to_look_for(name: str) -> None:
    sink, counted = made(encoding=name)
    sent = ENCODERS[name](LAST + b"\n\n")
    assert b"".join(sink(sent[at : at + 7]) for at in range(0, len(sent), 7)) + sink(b"") == sent
    assert not sink.decodes
    assert sink.end() == (LAST + b"\n\n", Outcome(Usage(7, 0, 2), True), "")
    assert set(counted) == {Usage(7, 0, 2)}  # the exchange counts the first only


@pytest.mark.parametrize("name", ENCODERS)
def test_a_key_does_not_pass_in_an_encoded_stream(name: str) -> None:
    sink, _ = made(encoding=name, key="sk-canary-1")
    sent = ENCODERS[name](b"a sk-canary-1 b")
    assert b"".join(sink(sent[at : at + 3]) for at in range(0, len(sent), 3)) + sink(b"") == b"a *********** b"
    assert sink.decodes
    assert sink.end()[0] == b"a *********** b"


@pytest.mark.parametrize("name", ["rot13", "gzip", "gzip, br"])
def test_what_cannot_be_decoded_does_not_pass(name: str) -> None:
    sink, _ = made(encoding=name, key="sk-canary-1")
    assert sink(b"a sk-canary-1 b") + sink(b"") == b""
    body, _, problem = sink.end()
    assert body == b""
    assert "encoding" in problem


def test_when_the_first_and_the_last_token_came(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(100, 200))
    monkeypatch.setattr("oneshot_proxy.tee.time.time", lambda: float(next(clock)))
    sink, _ = made()
    for event in (b'{"type": "response.created"}', b'{"delta": "a"}', b'{"delta": "b"}', b'{"usage": {}}'):
        sink(b"data: " + event + b"\n\n")
    sink(b"")
    sink.end()
    assert (sink.first_byte_at, sink.first_token_at, sink.last_token_at) == (100, 101, 102)
    whole, _ = made("application/json")
    whole(b"{")
    whole(b"}")
    assert (whole.first_token_at, whole.last_token_at) == (105, 106)


def test_what_is_kept_is_bounded_and_says_so() -> None:
    sink, _ = made(room=10)
    assert sink(b"123456") + sink(b"789abcdef") + sink(b"g") == b"123456789abcdefg"
    assert sink.size == 10
    body, _, problem = sink.end()
    assert body == b"123456789a"
    assert problem == "only the first 10 bytes of the answer were kept"


def test_usage_is_read_where_there_is_no_room_for_the_answer() -> None:
    text = 'it says "usage": {"input_tokens": 9}' * 1000
    body = {"output": [{"text": text}], "usage": {"input_tokens": 7, "output_tokens": 2}, "metadata": {"usage": "x"}}
    sink, _ = made("application/json", room=10)
    sent = json.dumps(body).encode()
    sink(sent[:20_000])
    sink(sent[20_000:])
    kept, outcome, problem = sink.end()
    assert (kept, sink.passed, outcome) == (sent[:10], len(sent), Outcome(Usage(7, 0, 2), True))
    assert problem == "only the first 10 bytes of the answer were kept"


def test_a_key_does_not_pass() -> None:
    sink, _ = made(key="sk-canary-1")
    assert sink(b"a sk-can") + sink(b"ary-1 b") + sink(b"") == b"a *********** b"
    assert sink.end()[0] == b"a *********** b"

"""One exchange and its record."""

import pytest
from mitmproxy.test.tflow import tflow

from oneshot_proxy import exchange, redact, refusal
from oneshot_proxy.refusal import Refusal
from oneshot_proxy.room import Room
from oneshot_proxy.usage import Usage
from proxy.test_session import made
from proxy.test_tee import made as made_tee


def test_usage_is_counted_once() -> None:
    session = made()
    found = exchange.begin(tflow(), session)
    found.count(None)
    found.count(Usage(1))
    found.count(Usage(100))
    assert (session.usage.input_tokens, session.calls) == (1, 1)


def test_the_exchange_stays_with_its_flow() -> None:
    flow = tflow()
    assert exchange.of(flow) is None
    assert exchange.begin(flow, made()) is exchange.of(flow)


def test_what_comes_after_its_record_passes_and_is_not_kept() -> None:
    session = made()
    found = exchange.begin(tflow(), session)
    left = session.room.left
    found.keep_request(b"abc")
    found.release()
    assert found.keep_request(b"def") == b"def"
    assert (bytes(found.kept), session.room.left, session.unrecorded) == (b"abc", left, 0)


def test_the_record_is_clean_and_without_the_query() -> None:
    flow = tflow()
    flow.request.path = "/v1/responses?secret=1"
    found = exchange.begin(flow, made())
    found.request, found.problem = b"sk-canary-123", "no sk-canary-123"
    record = found.ended(200, "sk-canary-123", b"sk-canary-123", redact.spellings("sk-canary-123"))
    assert record.request_line == "GET /v1/responses"
    assert "canary" not in str(record)


@pytest.mark.parametrize(
    ("response", "decoded", "undecoded"),
    [
        (b'{"status": "completed", "output": [{"type": "message", "content": []}]}', True, ()),
        (b'{"status": "completed", "output": [{"type": "brand_new"}]}', True, ("item type 'brand_new'",)),
        (b'{"state": "done"}', False, ()),
        (b"<html>", False, ("the answer is no JSON object",)),
    ],
)
def test_something_new_in_an_answer_is_named_and_one_without_an_end_is_undecoded(
    response: bytes, decoded: bool, undecoded: tuple[str, ...]
) -> None:
    flow = tflow()
    flow.request.method, flow.request.path = "POST", "/v1/responses"
    found = exchange.begin(flow, made())
    found.request = b'{"model": "gpt-5", "input": "hi"}'
    record = found.ended(200, "application/json", response, ())
    assert (found.decoded, record.undecoded) == (decoded, undecoded)


def test_a_request_that_finds_no_room_is_refused_and_nothing_of_it_is_kept() -> None:
    session = made()
    session.room = Room(10)
    first, second = exchange.begin(tflow(), session), exchange.begin(tflow(), session)
    first.keep(b"123456")
    for content, code, status in ((b"12345", refusal.BUSY, 429), (b"12345678901", refusal.BAD_REQUEST, 400)):
        with pytest.raises(Refusal, match="room") as caught:
            second.keep(content)
        assert (caught.value.code, caught.value.status, second.request) == (code, status, b"")
    first.share.give_back()
    second.keep(b"12345")
    assert (second.request, session.room.left) == (b"12345", 5)


def test_of_refused_requests_so_many_bytes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MAX_REFUSED", 10)
    session, kept = made(), []
    for content in (b"123456", b"1234", b"1"):
        found = exchange.begin(tflow(), session)
        found.keep(content)
        found.refuse("no")
        kept.append((found.request, found.problem.partition(";")[2]))
    words = " its body is not kept: more than 10 bytes were refused in this session"
    assert kept == [(b"123456", ""), (b"1234", ""), (b"", words)]


def test_what_passed_without_room_is_charged() -> None:
    session = made()
    found = exchange.begin(tflow(), session)
    found.forwarded, found.tee = True, made_tee(room=10)[0]
    found.tee(b"x" * 4000)
    found.end(200, b"x" * 10)
    assert session.unreported.output_tokens == 1001


def test_a_call_without_usage_is_charged_the_greatest_input_so_far() -> None:
    session = made()
    for tokens in (5000, 200):
        exchange.begin(tflow(), session).count(Usage(tokens))
    found = exchange.begin(tflow(), session)
    found.forwarded, found.request = True, b"x" * 40
    found.end(200, b"")
    assert session.unreported.input_tokens == 5000
    found.request = b"x" * 40_000
    session.charge(len(found.request), 0)
    assert session.unreported.input_tokens == 15_001


def test_an_exchange_ends_once() -> None:
    session = made()
    session.in_flight = 2
    found = exchange.begin(tflow(), session)
    found.forwarded = True
    found.end(200, b"x" * 400)
    found.end(200, b"x" * 400)
    assert (session.in_flight, session.unreported.output_tokens) == (1, 101)

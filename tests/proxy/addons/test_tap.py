"""What is recorded of what comes back."""

import asyncio
import gzip
from pathlib import Path

import brotli
import pytest
import zstandard

from fakes import tls
from fakes.model_server import Answer, ModelServer, error, event, items, raw, say
from proxy import harness
from proxy.harness import CANARY, MODEL, Proxy

ENCODERS = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.compress}
STREAMED = {"model": MODEL, "stream": True}


async def after_one(proxy: Proxy, answer: Answer) -> tuple[str, str, int]:
    """The session's failure, the call's error and its status."""
    async with ModelServer([answer]) as upstream:
        await proxy.keys(upstream.base_url)
        stream = await proxy.stream(await proxy.open(), STREAMED)
        try:
            await stream.rest()
        except (asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            stream.close()
        (call,) = await proxy.recorded(1)
    return (await proxy.session()).upstream_failure, call.error, call.status


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
async def test_an_error_status_is_the_upstreams_failure(proxy: Proxy, status: int) -> None:
    failure, said, recorded = await after_one(proxy, error(status, "no\nway", "oops"))
    step = "; check OPENAI_API_KEY" if status in (401, 403) else ""
    assert failure == said == f"openai answered {status}: oops: no way{step}"
    assert recorded == status


async def test_a_bad_request_is_the_agents_own(proxy: Proxy) -> None:
    assert await after_one(proxy, error(400, "context_length_exceeded")) == ("", "", 400)


async def test_a_cut_stream_is_the_upstreams_failure(proxy: Proxy) -> None:
    answer = say("hello")
    answer.chunks, answer.cut = answer.chunks[:2], True
    failure, said, status = await after_one(proxy, answer)
    assert failure == said
    assert failure.startswith("openai broke off its answer: ")
    assert status == 200


async def test_a_stream_without_its_last_event_is_a_failure(proxy: Proxy) -> None:
    answer = say("hello")
    answer.chunks = answer.chunks[:2]
    assert (await after_one(proxy, answer))[0] == "openai broke off its answer: the stream ended without its last event"


async def test_a_failed_response_is_a_failure(proxy: Proxy) -> None:
    failed = event(
        "response.failed", response={"status": "failed", "error": {"code": "c", "message": "m"}, "usage": None}
    )
    assert (await after_one(proxy, Answer([failed])))[0] == "openai answered 200, but failed: c: m"


async def test_a_stream_cut_after_its_last_event_is_a_success(proxy: Proxy) -> None:
    assert (await after_one(proxy, say("hello", cut=True)))[0] == ""
    session = await proxy.session()
    assert (session.calls_succeeded, session.usage.input_tokens) == (1, 1000)


async def test_an_unreachable_upstream_is_said_and_a_later_success_makes_it_good(proxy: Proxy) -> None:
    async with ModelServer([say("a")]) as upstream:
        address = upstream.base_url
        await proxy.keys(address)
        token = await proxy.open()
        assert (await proxy.ask(token, STREAMED)).status == 200
        await proxy.recorded(1)
    assert (await proxy.ask(token, STREAMED)).status == 502
    call = (await proxy.recorded(2))[1]
    session = await proxy.session()
    assert session.upstream_failure == call.error
    assert session.upstream_failure.startswith("openai could not be reached: ")
    assert (call.status, call.seq, call.first_byte_seconds) == (0, 2, 0)

    async with ModelServer([error(503, "busy", "oops"), say("b")]) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open("run-2")
        await proxy.ask(token, STREAMED)
        await proxy.recorded(1, "run-2")
        assert (await proxy.session("run-2")).upstream_failure == "openai answered 503: oops: busy"
        await proxy.ask(token, STREAMED)
        await proxy.recorded(2, "run-2")
    assert (await proxy.session("run-2")).upstream_failure == ""


async def test_an_answer_larger_than_a_message_is_recorded_whole(proxy: Proxy) -> None:
    async with ModelServer([say("x" * 4_000_000)]) as upstream:
        await proxy.keys(upstream.base_url)
        reply = await proxy.ask(await proxy.open(), STREAMED)
        (call,) = await proxy.recorded(1)
    assert len(reply.body) > 12_000_000
    assert call.response == reply.body
    assert call.usage.input_tokens == 1000


async def test_calls_in_flight_are_added_after_the_close(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oneshot_proxy.sessions._SETTLE_SECONDS", 0.1)
    hold = asyncio.Event()
    async with ModelServer([items(hold=hold)]) as upstream:
        await proxy.keys(upstream.base_url)
        stream = await proxy.stream(await proxy.open(), STREAMED)
        await stream.chunk()
        closed = await proxy.close()
        assert (closed.open, closed.calls, closed.calls_succeeded) == (False, 1, 0)
        hold.set()
        await stream.rest()
        stream.close()
        await proxy.recorded(1)
    session = await proxy.session()
    assert (session.open, session.calls, session.calls_succeeded) == (False, 1, 1)


@pytest.mark.parametrize("name", ["gzip", "br", "zstd"])
async def test_an_answer_that_comes_encoded_goes_on_decoded_and_without_the_key(proxy: Proxy, name: str) -> None:
    body = b"".join(say(f"the key is {CANARY}").chunks)
    sent = ENCODERS[name](body)
    encoded = {"content-encoding": name, "x-echo": CANARY}
    async with ModelServer([Answer([sent[:9], sent[9:]], headers=encoded)]) as upstream:
        await proxy.keys(upstream.base_url)
        reply = await proxy.ask(await proxy.open(), STREAMED, headers={"thread-id": "t1"})
        (call,) = await proxy.recorded(1)
    cleaned = body.replace(CANARY.encode(), b"*" * len(CANARY))
    assert reply.body == call.response == cleaned
    assert "content-encoding" not in reply.headers
    assert (call.usage.input_tokens, call.error, list(call.undecoded)) == (1000, "", [])
    assert (call.request_headers["thread-id"], "authorization" in call.request_headers) == ("t1", False)
    assert CANARY not in str(reply.headers) + str(call)
    assert (await proxy.session()).calls_decoded == 1


async def test_an_agent_that_leaves_in_the_middle_of_an_encoded_answer_is_no_alarm(proxy: Proxy) -> None:
    sent, hold = gzip.compress(b"".join(say("a" * 5000).chunks)), asyncio.Event()
    answer = Answer([sent[:60], sent[60:]], headers={"content-encoding": "gzip"}, hold=hold)
    async with ModelServer([answer]) as upstream:
        await proxy.keys(upstream.base_url)
        stream = await proxy.stream(await proxy.open(), STREAMED)
        stream.close()
        (call,) = await proxy.recorded(1)
        hold.set()
    assert call.error == "Client disconnected."
    assert list((await proxy.close()).alarms) == []


async def test_an_answer_in_an_unknown_encoding_does_not_go_on(proxy: Proxy) -> None:
    async with ModelServer([Answer([CANARY.encode()], headers={"content-encoding": "rot13"})]) as upstream:
        await proxy.keys(upstream.base_url)
        reply = await proxy.ask(await proxy.open(), STREAMED)
        (call,) = await proxy.recorded(1)
    assert (reply.status, reply.body, call.response) == (200, b"", b"")
    assert "content encoding 'rot13' is unknown" in call.error
    assert (await proxy.session()).upstream_failure


async def test_a_chunk_that_is_held_back_whole_does_not_end_the_answer(proxy: Proxy) -> None:
    body = b"".join(say(CANARY).chunks)
    at = body.index(CANARY.encode())
    async with ModelServer([Answer([body[:at], body[at : at + 1], body[at + 1 :]], gap=0.05)]) as upstream:
        await proxy.keys(upstream.base_url)
        reply = await proxy.ask(await proxy.open(), STREAMED)
    assert reply.body == body.replace(CANARY.encode(), b"*" * len(CANARY))


@pytest.mark.parametrize("packed", [True, False])
async def test_a_live_request_that_cannot_be_kept_whole_is_an_alarm(tmp_path: Path, packed: bool) -> None:
    made = tls.made(tmp_path / "tls", "api.openai.com")
    headers = {"content-encoding": "zstd"} if packed else {}
    content = b"not zstd" if packed else STREAMED | {"input": "x" * 400_000}
    async with (
        harness.proxy(tmp_path / "data", upstream_ca=str(made.authority), bodies_megabytes=1) as proxy,
        ModelServer([say("a")], tls=made.server) as upstream,
    ):
        proxy.names.ports["api.openai.com"] = int(upstream.base_url.split(":")[2].split("/")[0])
        tunnel = await proxy.tunnel(f"live-1:{await proxy.open_live()}", "api.openai.com", 443, tls="api.openai.com")
        assert (await proxy.ask("sk-mine-0123456789", content, via=tunnel, headers=headers)).status == 200
        await proxy.recorded(1, "live-1")
        assert "the record of a call is not whole" in list((await proxy.close("live-1")).alarms)


@pytest.mark.parametrize(("status", "reason"), [(401, "Unauthorized"), (299, "")])
async def test_the_upstreams_reason_phrase_does_not_reach_a_run(proxy: Proxy, status: int, reason: str) -> None:
    async with raw(f"HTTP/1.1 {status} bad key {CANARY}\r\ncontent-length: 2\r\n\r\n{{}}".encode()) as port:
        await proxy.keys(f"http://127.0.0.1:{port}/v1")
        token = await proxy.open()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        head = f"POST /v1/responses HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-length: 18"
        writer.write(f'{head}\r\n\r\n{{"model": "{MODEL}"}}'.encode())
        assert await asyncio.wait_for(reader.readline(), 5) == f"HTTP/1.1 {status} {reason}\r\n".encode()
        writer.close()
        await writer.wait_closed()

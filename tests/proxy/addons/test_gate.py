"""What the gate lets through, refuses and answers itself."""

import asyncio
import contextlib
import json
import sqlite3
from typing import Any

import pytest
import zstandard

from fakes.model_server import ModelServer, body, error, items, say
from oneshot_proxy import wire
from oneshot_proxy.cassette import digest
from proxy.harness import CANARY, MODEL, Proxy
from proxy.test_cassette import CALL, HEADER, lines

STREAMED = {"model": MODEL, "stream": True}
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}


async def test_unknown_and_revoked_tokens_are_401(proxy: Proxy) -> None:
    await proxy.keys("http://127.0.0.1:9/v1")
    token = await proxy.open()
    assert (await proxy.ask("osb.run-1.guess")).error["code"] == "oneshot_unknown_token"
    assert (await proxy.ask("", headers={"authorization": ""})).status == 401
    await proxy.close()
    reply = await proxy.ask(token)
    assert (reply.status, reply.error["code"]) == (401, "oneshot_unknown_token")
    assert (await proxy.session()).calls == 0


async def test_the_key_takes_the_tokens_place(proxy: Proxy) -> None:
    async with ModelServer([say("a"), say("b")]) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        await proxy.ask(token, headers={"cookie": "c", "x-api-key": "k", "accept-encoding": "br", "openai-beta": "b"})
        await proxy.ask(token, headers={"authorization": "", "api-key": token}, path="/v1/responses?q=1")
    first, second = upstream.requests
    assert (first.method, first.path, second.path) == ("POST", "/v1/responses", "/v1/responses?q=1")
    assert first.headers["authorization"] == second.headers["authorization"] == f"Bearer {CANARY}"
    assert first.headers["host"] == upstream.base_url.split("/")[2]
    assert first.headers["accept-encoding"] == "identity"
    assert first.headers["openai-beta"] == "b"
    assert not {"cookie", "x-api-key", "api-key"} & (first.headers.keys() | second.headers.keys())
    assert first.json == {"model": MODEL, "input": "hi"}


async def test_providers_differ_in_header_and_address(proxy: Proxy) -> None:
    from oneshot.proxy.v1 import proxy_pb2 as pb

    async with ModelServer([say("a"), say("b")]) as upstream:
        root = upstream.base_url.removesuffix("/v1")
        variables = {
            "AZURE_OPENAI_BASE_URL": f"{root}/openai/v1/?api-version=preview",
            "AZURE_OPENAI_API_KEY": "azure-key-1234",
        }
        await proxy.stub.PutKeys(pb.PutKeysRequest(variables=variables | {"VLLM_BASE_URL": f"{root}/v1"}))
        await proxy.ask(await proxy.open("az", provider="azure"))
        await proxy.ask(await proxy.open("local", provider="vllm"))
    azure, vllm = upstream.requests
    assert (azure.path, azure.headers["api-key"]) == ("/openai/v1/responses?api-version=preview", "azure-key-1234")
    assert "authorization" not in azure.headers
    assert not {"authorization", "api-key"} & vllm.headers.keys()


@pytest.mark.parametrize(
    ("how", "code", "status"),
    [
        ({"body": {"model": "gpt-5-pro"}}, "oneshot_model_refused", 400),
        ({"body": {"model": MODEL, "tools": [{"type": "web_search"}]}}, "oneshot_tool_refused", 400),
        ({"body": b"{"}, "oneshot_bad_request", 400),
        ({"body": b"\x00", "headers": {"content-encoding": "zstd"}}, "oneshot_bad_request", 400),
        ({"path": "/v1/files"}, "oneshot_endpoint_refused", 400),
        ({"path": "/v1/models", "method": "GET"}, "oneshot_endpoint_refused", 404),
        ({"method": "GET", "headers": {"upgrade": "websocket", "connection": "upgrade"}}, "oneshot_no_websocket", 426),
    ],
)
async def test_refusals_are_recorded_and_never_sent_on(
    proxy: Proxy, how: dict[str, Any], code: str, status: int
) -> None:
    async with ModelServer([]) as upstream:
        await proxy.keys(upstream.base_url)
        reply = await proxy.ask(await proxy.open(), **how)
        (call,) = await proxy.recorded(1)
        session = await proxy.session()
    assert (reply.status, reply.error["code"]) == (status, code)
    assert (call.status, call.error) == (status, reply.error["message"])
    assert (session.calls, session.calls_succeeded, session.upstream_failure, session.stopped_by) == (1, 0, "", "")
    assert upstream.requests == []


async def test_refused_bodies_do_not_fill_the_disk(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oneshot_proxy.exchange.MAX_REFUSED", 100)
    await proxy.keys("http://127.0.0.1:9/v1")
    token = await proxy.open()
    for _ in range(2):
        assert (await proxy.ask(token, {"model": "another", "input": "x" * 50})).error[
            "code"
        ] == "oneshot_model_refused"
    first, second = await proxy.recorded(2)
    assert (len(first.request) > 50, second.request) == (True, b"")
    assert "its body is not kept" in second.error


async def test_a_websocket_is_answered_at_once_without_a_token_too(proxy: Proxy) -> None:
    reply = await proxy.ask("", method="GET", headers={"upgrade": "websocket"})
    assert reply.status == 426


async def test_a_compressed_request_is_understood_and_sent_as_it_is(proxy: Proxy) -> None:
    content = zstandard.compress(json.dumps({"model": MODEL, "input": "packed"}).encode())
    async with ModelServer([say("a")]) as upstream:
        await proxy.keys(upstream.base_url)
        await proxy.ask(await proxy.open(), content, headers={"content-encoding": "zstd"})
        (call,) = await proxy.recorded(1)
    assert upstream.requests[0].body == content
    assert json.loads(call.request)["input"] == "packed"


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"tokens": 1050}, "token limit 1050 reached (1050)"),
        ({"cost_usd": 0.0005}, "cost limit 0.0005 USD reached (0.0013)"),
    ],
)
async def test_over_budget_nothing_is_sent_on(proxy: Proxy, limits: dict[str, Any], sentence: str) -> None:
    async with ModelServer([say("a"), say("b")]) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open(limits=limits)
        assert (await proxy.ask(token, STREAMED)).status == 200
        assert (await proxy.session()).stopped_by == ""
        reply = await proxy.ask(token)
    assert (reply.status, reply.error["code"], reply.error["message"]) == (400, "oneshot_budget_exceeded", sentence)
    session = await proxy.session()
    assert (session.stopped_by, session.calls, session.calls_succeeded) == (sentence, 2, 1)
    assert (session.usage.input_tokens, session.usage.cached_tokens) == (1000, 400)
    assert (session.usage.output_tokens, session.usage.reasoning_tokens) == (50, 20)
    assert len(upstream.requests) == 1


async def test_the_next_call_meets_the_budget_before_the_stream_has_closed(proxy: Proxy) -> None:
    """The last event is what counts: an agent need not wait for the end of the connection."""
    answer = say("a")
    answer.chunks = [b"".join(answer.chunks), b": bye\n\n"]
    answer.hold = asyncio.Event()
    async with ModelServer([answer]) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open(limits={"tokens": 1})
        stream = await proxy.stream(token, STREAMED)
        assert b"response.completed" in await stream.chunk()
        assert (await proxy.ask(token)).error["code"] == "oneshot_budget_exceeded"
        answer.hold.set()
        await stream.rest()
        stream.close()


async def test_wall_time_ends_a_session(proxy: Proxy) -> None:
    await proxy.keys("http://127.0.0.1:9/v1")
    token = await proxy.open(limits={"wall_seconds": 1})
    assert (await proxy.session()).open
    await asyncio.sleep(1.05)
    assert (await proxy.ask(token)).error["message"] == "wall time limit 1 s reached (1)"
    session = await proxy.session()
    assert (session.open, session.stopped_by) == (False, "wall time limit 1 s reached (1)")


async def test_an_unknown_price_leaves_the_cost_limit_out(proxy: Proxy) -> None:
    async with ModelServer([say("a"), say("b")]) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open(model="house-model", limits={"cost_usd": 0.000001})
        for _ in range(2):
            assert (await proxy.ask(token, {"model": "house-model"})).status == 200
    await proxy.recorded(2)
    assert not (await proxy.session()).usage.HasField("cost_usd")


async def test_chat_completions_are_counted_streamed_or_not(proxy: Proxy) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}
    chunks = [{"choices": [{"delta": {"content": "hi"}}]}, {"choices": [], "usage": usage}]
    streamed = items()
    streamed.chunks = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks] + [b"data: [DONE]\n\n"]
    async with ModelServer([body({"choices": [], "usage": usage}), streamed]) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        await proxy.ask(token, CHAT, path="/v1/chat/completions")
        await proxy.ask(token, CHAT | {"stream": True}, path="/v1/chat/completions")
        calls = await proxy.recorded(2)
    assert upstream.requests[1].json["stream_options"] == {"include_usage": True}
    assert "stream_options" not in json.loads(calls[1].request)
    session = await proxy.session()
    assert (session.usage.input_tokens, session.usage.cached_tokens, session.usage.output_tokens) == (20, 8, 4)
    assert session.calls_succeeded == 2


async def test_a_cassette_answers_and_says_where_a_request_differs(proxy: Proxy) -> None:
    tape = lines(HEADER, {"output": [CALL], "usage": {"input_tokens": 100, "output_tokens": 5}}, {"output": []})
    token = await proxy.open(cassette=tape, limits={"tokens": 200})
    first = await proxy.ask(token, {"model": MODEL, "input": "hi", "stream": True})
    assert (first.status, first.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert b"event: response.completed" in first.body
    missed = await proxy.ask(token, {"model": MODEL, "input": [CALL | {"arguments": "no"}]})
    assert (missed.status, missed.error["code"]) == (400, "oneshot_replay_diverged")
    assert "item 1 of the request" in missed.error["message"]
    second = await proxy.ask(token, {"model": MODEL, "input": [CALL, {"type": "function_call_output", "output": "x"}]})
    assert json.loads(second.body)["status"] == "completed"
    chat = await proxy.ask(token, CHAT, path="/v1/chat/completions")
    assert chat.error["code"] == "oneshot_endpoint_refused"
    session = await proxy.close()
    assert (session.upstream, session.calls, session.calls_succeeded) == ("replay:demo", 4, 2)
    assert (session.usage.input_tokens, session.usage.cost_usd, session.upstream_failure) == (100, 0.0, "")
    assert [call.error for call in await proxy.calls()][1] == missed.error["message"]


async def test_parallel_conversations_are_replayed(proxy: Proxy) -> None:
    other = CALL | {"call_id": "c2"}
    tape = lines(HEADER, {"after": digest([]), "output": [CALL]}, {"after": digest([]), "output": [other]})
    token = await proxy.open(cassette=tape)
    replies = await asyncio.gather(*(proxy.ask(token) for _ in range(2)))
    assert sorted(json.loads(reply.body)["output"][0]["call_id"] for reply in replies) == ["c1", "c2"]


async def test_a_recorded_error_of_a_cassette_is_a_failure_of_the_upstream(proxy: Proxy) -> None:
    token = await proxy.open(cassette=lines(HEADER, {"status": 429, "error": {"message": "slow down"}}))
    assert (await proxy.ask(token)).error == {"message": "slow down"}
    assert (await proxy.close()).upstream_failure == "replay:demo answered 429: slow down"


async def test_an_upstream_error_passes_unchanged(proxy: Proxy) -> None:
    async with ModelServer([error(429, "slow down", "rate", headers={"retry-after": "7"})]) as upstream:
        await proxy.keys(upstream.base_url)
        reply = await proxy.ask(await proxy.open())
    assert (reply.status, reply.headers["retry-after"], reply.error["message"]) == (429, "7", "slow down")


async def test_a_fault_of_ours_sends_nothing_on(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(wire, "check", broken)
    async with ModelServer([]) as upstream:
        await proxy.keys(upstream.base_url)
        reply = await proxy.ask(await proxy.open())
        (call,) = await proxy.recorded(1)
    assert (reply.status, reply.error["code"]) == (500, "oneshot_internal")
    assert (call.error, upstream.requests) == (reply.error["message"], [])


async def test_calls_in_flight_are_bounded(proxy: Proxy) -> None:
    async with ModelServer(lambda _: say("a", delay=0.5)) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        replies = await asyncio.gather(*(proxy.ask(token, STREAMED) for _ in range(20)))
        assert sorted(reply.status for reply in replies) == [200] * 16 + [429] * 4
        assert (await proxy.ask(token, STREAMED)).status == 200
    assert len(upstream.requests) == 17


async def test_a_token_revoked_between_headers_and_body_spends_nothing(proxy: Proxy) -> None:
    async with ModelServer([say("a")]) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        content = json.dumps({"model": MODEL}).encode()
        head = (
            f"POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: {len(content)}"
        )
        writer.write(f"{head}\r\n\r\n".encode())
        await writer.drain()
        await asyncio.sleep(0.2)  # the headers have arrived; nothing outside tells
        await proxy.close()
        writer.write(content)
        assert b" 401 " in await reader.readline()
        writer.close()
    assert upstream.requests == []


async def test_nothing_is_spent_while_nothing_can_be_recorded(proxy: Proxy) -> None:
    async with ModelServer(lambda _: say("a")) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        with contextlib.closing(sqlite3.connect(proxy.data / "state" / "proxy.sqlite")) as database:
            database.execute("ALTER TABLE calls RENAME TO gone")
            assert (await proxy.ask(token, STREAMED)).status == 200  # the first one finds out
            async with asyncio.timeout(5):
                while (reply := await proxy.ask(token)).status == 200:  # noqa: ASYNC110 -- asked over HTTP
                    await asyncio.sleep(0.01)
            assert reply.error["code"] == "oneshot_not_recording"
            database.execute("ALTER TABLE gone RENAME TO calls")
        async with asyncio.timeout(5):
            while (await proxy.ask(token, STREAMED)).status != 200:  # noqa: ASYNC110 -- asked over HTTP
                await asyncio.sleep(0.01)
    assert len(upstream.requests) < 10

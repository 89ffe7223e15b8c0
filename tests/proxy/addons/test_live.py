"""A person's own calls."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from fakes import tls
from fakes.model_server import USAGE, Answer, ModelServer, body, raw, say
from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot_proxy.addons import live
from oneshot_proxy.room import Room
from oneshot_proxy.tee import Tee
from proxy import harness
from proxy.harness import CANARY, MODEL, Proxy, Reply

MINE = "sk-mine-0123456789abcdefghij"
STREAMED = {"model": MODEL, "input": "hi", "stream": True}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tls.Tls:
    return tls.made(tmp_path_factory.mktemp("tls"), "chatgpt.com", "api.anthropic.com", "api.openai.com")


@pytest.fixture
async def proxy(tmp_path: Path, made: tls.Tls) -> AsyncIterator[Proxy]:
    async with harness.proxy(tmp_path / "data", upstream_ca=str(made.authority)) as running:
        yield running


class Person:
    """Somebody whose agent asks a model through the forward door."""

    def __init__(self, proxy: Proxy, token: str, upstream: ModelServer, host: str = "api.openai.com") -> None:
        self.proxy, self.token, self.host = proxy, token, host
        proxy.names.ports[host] = int(upstream.base_url.split(":")[2].split("/")[0])

    async def ask(self, content: object = None, **how: Any) -> Reply:
        tunnel = await self.proxy.tunnel(f"live-1:{self.token}", self.host, 443, tls=self.host)
        return await self.proxy.ask(MINE, STREAMED if content is None else content, via=tunnel, **how)


async def test_her_call_passes_untouched_and_is_recorded_without_her_login(proxy: Proxy, made: tls.Tls) -> None:
    cookie, echo = "a-session-cookie-0123456789", f"you are {MINE}"
    async with ModelServer([say(echo, headers={"x-echo": MINE})], tls=made.server) as upstream:
        await proxy.keys("https://elsewhere.example/v1")
        token = await proxy.open_live()
        headers = {"cookie": f"lang=english1; id={cookie}", "openai-beta": "b", "accept-encoding": "gzip"}
        content = STREAMED | {"input": f"english1, {MINE}, {cookie}", "tools": [{"type": "web_search"}]}
        reply = await Person(proxy, token, upstream).ask(content, headers=headers)
    assert echo.encode() in reply.body
    assert reply.headers["x-echo"] == MINE
    (seen,) = upstream.requests
    assert seen.json == content
    assert (seen.headers["authorization"], seen.headers["host"]) == (f"Bearer {MINE}", "gateway")
    assert headers.items() <= seen.headers.items()
    (call,) = await proxy.recorded(1, "live-1")
    assert json.loads(call.request)["input"] == f"english1, {'*' * len(MINE)}, {'*' * len(cookie)}"
    assert (call.wire_api, call.usage.input_tokens, call.error) == ("responses", 1000, "")
    session = await proxy.close("live-1")
    assert (session.calls, session.calls_succeeded, session.model, session.upstream) == (1, 1, "", "")
    assert session.usage.cost_usd > 0
    assert list(session.alarms) == []
    await harness.assert_nowhere(proxy, MINE, CANARY, token, cookie)


async def test_a_chatgpt_login_has_no_price_and_its_bodies_are_unpacked(proxy: Proxy, made: tls.Tls) -> None:
    packed = zstandard.compress(json.dumps(STREAMED).encode())
    async with ModelServer([say("a")], tls=made.server) as upstream:
        person = Person(proxy, await proxy.open_live(), upstream, "chatgpt.com")
        path = "/backend-api/codex/responses"
        assert (await person.ask(packed, path=path, headers={"content-encoding": "zstd"})).status == 200
    assert upstream.requests[0].body == packed
    (call,) = await proxy.recorded(1, "live-1")
    assert json.loads(call.request) == STREAMED
    session = await proxy.session("live-1")
    assert (session.usage.input_tokens, session.usage.HasField("cost_usd")) == (1000, False)


async def test_a_websocket_is_answered_at_once_and_other_paths_pass_unseen(proxy: Proxy, made: tls.Tls) -> None:
    secret = {"token": "a-secret-of-the-account"}
    async with ModelServer([body(secret)], tls=made.server) as upstream:
        person = Person(proxy, await proxy.open_live(), upstream)
        reply = await person.ask(method="GET", headers={"upgrade": "websocket", "connection": "upgrade"})
        assert (reply.status, reply.error["code"]) == (426, "oneshot_no_websocket")
        assert json.loads((await person.ask(path="/v1/organization/admin_api_keys")).body) == secret
    (call,) = await proxy.recorded(1, "live-1")
    assert call.status == 426
    assert len(upstream.requests) == 1
    await harness.assert_nowhere(proxy, secret["token"], MINE)


async def test_an_upgrade_elsewhere_on_a_model_host_goes_on_raw(proxy: Proxy, made: tls.Tls) -> None:
    """Voice, for example: nothing is recorded of it, and nothing of it stays in memory."""

    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n")
        writer.write((await reader.readexactly(5)).upper())
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0, ssl=made.server)
    proxy.names.ports["api.openai.com"] = server.sockets[0].getsockname()[1]
    who = f"live-1:{await proxy.open_live()}"
    tunnel = await proxy.tunnel(who, "api.openai.com", 443, tls="api.openai.com")
    headers = {"upgrade": "websocket", "connection": "upgrade", "content-length": ""}
    stream = await proxy.stream(MINE, b"", path="/v1/realtime", method="GET", headers=headers, via=tunnel)
    assert stream.status == 101
    stream.writer.write(b"hello")
    assert await asyncio.wait_for(stream.reader.readexactly(5), 5) == b"HELLO"
    server.close()


async def test_a_body_of_any_size_passes(proxy: Proxy, made: tls.Tls) -> None:
    large = b'{"model": "gpt-5", "stream": true, "input": "' + b"x" * (70 * 1024 * 1024) + b'"}'
    async with ModelServer([say("a")], tls=made.server) as upstream:
        person = Person(proxy, await proxy.open_live(), upstream)
        assert (await person.ask(large)).status == 200
        assert len(upstream.requests[0].body) == len(large)
    (call,) = await proxy.recorded(1, "live-1")
    assert len(call.request) == 32 * 1024 * 1024
    assert "only the first" in call.error


async def test_limits_hold_where_she_set_some(proxy: Proxy, made: tls.Tls) -> None:
    async with ModelServer([say("a"), say("b")], tls=made.server) as upstream:
        person = Person(proxy, await proxy.open_live(limits={"tokens": 1000}), upstream)
        assert (await person.ask()).status == 200
        assert (await person.ask()).error["code"] == "oneshot_budget_exceeded"
    session = await proxy.session("live-1")
    assert (session.stopped_by, session.calls) == ("token limit 1000 reached (1050)", 2)


async def test_what_cannot_be_parsed_passes(proxy: Proxy, made: tls.Tls) -> None:
    async with ModelServer([Answer([b"\xff\xfe"], 200, "text/event-stream"), say("b")], tls=made.server) as upstream:
        person = Person(proxy, await proxy.open_live(), upstream)
        assert (await person.ask(b"{{{")).body == b"\xff\xfe"
        broken = {"content-encoding": "zstd"}
        assert b"response.completed" in (await person.ask(b"\x00no zstd", headers=broken)).body
    assert [seen.body for seen in upstream.requests] == [b"{{{", b"\x00no zstd"]
    first, second = await proxy.recorded(2, "live-1")
    assert first.request == b"{{{"
    assert "broken encoding" in second.error


async def test_an_unreachable_model_is_the_persons_to_see(proxy: Proxy, made: tls.Tls) -> None:
    async with ModelServer([], tls=made.server) as upstream:
        person = Person(proxy, await proxy.open_live(), upstream)
    assert (await person.ask()).status == 502
    (call,) = await proxy.recorded(1, "live-1")
    assert call.error.startswith("api.openai.com could not be reached: ")
    (alarm,) = (await proxy.close("live-1")).alarms
    assert alarm.startswith("1 call came and did not succeed: api.openai.com could not be reached: ")


@pytest.mark.parametrize(
    ("place", "name", "words"),
    [
        ("oneshot_proxy.addons.live", "_understand", "a request was not understood (KeyError)"),
        ("oneshot_proxy.addons.live", "_learn", "a call was not recorded (KeyError)"),
        ("oneshot_proxy.addons.tap", "_failure", "a call was not recorded (KeyError)"),
    ],
)
async def test_faults_of_ours_are_counted_and_stop_nothing(
    proxy: Proxy, made: tls.Tls, monkeypatch: pytest.MonkeyPatch, place: str, name: str, words: str
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(f"{place}.{name}", broken)
    async with ModelServer([say("a"), say("b")], tls=made.server) as upstream:
        person = Person(proxy, await proxy.open_live(), upstream)
        for _ in range(2):
            assert b"response.completed" in (await person.ask()).body
    await asyncio.sleep(0.1)
    assert f"{words} (2 times)" in (await proxy.session("live-1")).alarms
    await harness.assert_nowhere(proxy, MINE)


async def test_a_broken_tee_lets_the_answer_through(
    proxy: Proxy, made: tls.Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Tee, "_scan", broken)
    async with ModelServer([say("a")], tls=made.server) as upstream:
        person = Person(proxy, await proxy.open_live(), upstream)
        assert b"response.completed" in (await person.ask()).body
    await asyncio.sleep(0.1)
    assert any("an answer was not recorded (MemoryError)" in alarm for alarm in (await proxy.session("live-1")).alarms)


async def test_a_store_that_cannot_be_written_stops_nothing(
    proxy: Proxy, made: tls.Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ModelServer([say("a")], tls=made.server) as upstream:
        person = Person(proxy, await proxy.open_live(), upstream)
        monkeypatch.setattr("oneshot_proxy.sessions.Sessions.recording_problem", "the disk is full")
        assert b"response.completed" in (await person.ask()).body
    assert "the trace store cannot be written: the disk is full" in (await proxy.session("live-1")).alarms


async def test_a_live_token_at_the_gateway_is_shown_the_door(proxy: Proxy) -> None:
    token = await proxy.open_live()
    reply = await proxy.ask(token)
    assert (reply.status, reply.error["code"]) == (400, "oneshot_wrong_door")
    assert (await proxy.recorded(1, "live-1"))[0].status == 400


async def test_an_answer_does_not_wait_until_its_request_is_understood(
    proxy: Proxy, made: tls.Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, answered = live._understand, threading.Event()

    def slow(*arguments: Any) -> None:
        assert answered.wait(10)
        read(*arguments)

    monkeypatch.setattr(live, "_understand", slow)
    packed = zstandard.compress(json.dumps(STREAMED).encode())
    async with ModelServer([say("a")], tls=made.server) as upstream:
        person = Person(proxy, await proxy.open_live(), upstream)
        async with asyncio.timeout(5):
            reply = await person.ask(packed, headers={"content-encoding": "zstd"})
        assert b"response.completed" in reply.body
        assert await proxy.calls("live-1") == []
        answered.set()
        (call,) = await proxy.recorded(1, "live-1")
    assert json.loads(call.request) == STREAMED
    session = await proxy.session("live-1")
    assert list(session.alarms) == []
    assert session.usage.cost_usd > 0  # its model was known late, not never


async def test_an_answer_before_the_requests_end_is_recorded_once_with_what_had_come(
    tmp_path: Path, made: tls.Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms: list[Room] = []
    monkeypatch.setattr("oneshot_proxy.app.Room", lambda size: rooms.append(Room(size)) or rooms[0])
    answer = b'HTTP/1.1 413 No\r\ncontent-length: 23\r\n\r\n{"error":{"message":1}}'
    content = json.dumps(STREAMED | {"input": "x" * 300_000}).encode()
    head = f"POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {MINE}\r\ncontent-length: {len(content)}\r\n\r\n"
    async with (
        harness.proxy(tmp_path / "data", upstream_ca=str(made.authority)) as proxy,
        raw(answer, made.server, early=True) as port,
    ):
        proxy.names.ports["api.openai.com"] = port
        token, left = await proxy.open_live(), rooms[0].left
        tunnel = await proxy.tunnel(f"live-1:{token}", "api.openai.com", 443, tls="api.openai.com")
        tunnel.writer.write(head.encode() + content[:1000])
        await tunnel.head()
        await proxy.recorded(1, "live-1")
        tunnel.writer.write(content[1000:])
        await asyncio.sleep(0.2)
        (call,) = await proxy.calls("live-1")
        assert (tunnel.status, call.status, call.request) == (413, 413, content[:1000])
        assert call.response.startswith(b'{"error"')
        assert rooms[0].left == left
        await proxy.close("live-1")
        pruned = await proxy.stub.PruneSessions(pb.PruneSessionsRequest(session_ids=["live-1"]))
        assert list(pruned.session_ids) == ["live-1"]


async def test_a_short_value_of_a_secret_header_is_a_common_word(proxy: Proxy, made: tls.Tls) -> None:
    async with ModelServer([say("a")], tls=made.server) as upstream:
        person = Person(proxy, await proxy.open_live(), upstream)
        await person.ask(STREAMED | {"input": "no-secrets"}, headers={"x-use-auth": "no-secrets"})
    (call,) = await proxy.recorded(1, "live-1")
    assert json.loads(call.request)["input"] == "no-secrets"


async def test_what_asks_no_model_is_recorded_and_counts_for_nothing(proxy: Proxy, made: tls.Tls) -> None:
    old = {"id": "r", "object": "response", "status": "completed", "output": [], "usage": USAGE}
    async with ModelServer([body({"input_tokens": 12}), body(old), body(old)], tls=made.server) as upstream:
        token = await proxy.open_live(limits={"requests": 1, "tokens": 100})
        person = Person(proxy, token, upstream, "api.anthropic.com")
        asked = {"model": "claude", "messages": []}
        assert (await person.ask(asked, path="/v1/messages/count_tokens")).status == 200
        person = Person(proxy, token, upstream)
        assert (await person.ask(b"", path="/v1/responses/r", method="GET")).status == 200
        counted, looked = await proxy.recorded(2, "live-1")
        session = await proxy.session("live-1")
        assert (counted.wire_api, looked.wire_api, session.calls) == ("", "", 2)
        assert (session.calls_succeeded, session.usage.input_tokens, list(session.alarms)) == (0, 0, [])
        assert (await person.ask()).status == 200
    await proxy.recorded(3, "live-1")
    session = await proxy.session("live-1")
    assert (session.calls_succeeded, session.usage.input_tokens) == (1, 1000)

"""The gateway from outside: what goes through, in which order, and what is left of it."""

import asyncio
import json

import pytest

from fakes import tls
from fakes.model_server import Answer, ModelServer, event, items, message, say
from oneshot_shared.errors import NotReady
from proxy import harness
from proxy.harness import CANARY, MODEL, Proxy


async def test_streams_before_the_upstream_has_finished(proxy: Proxy) -> None:
    hold = asyncio.Event()
    async with ModelServer([say("hello", hold=hold)]) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        stream = await proxy.stream(token, {"model": MODEL, "input": "hi", "stream": True})
        first = await asyncio.wait_for(stream.chunk(), 2)
        assert b"response.created" in first
        hold.set()
        assert b"response.completed" in await stream.rest()
        stream.close()
    (call,) = await proxy.recorded(1)
    assert call.response.startswith(first)
    assert 0 < call.first_byte_seconds <= call.seconds
    assert (call.seq, call.request_line, call.status, call.error) == (1, "POST /v1/responses", 200, "")


async def test_an_agent_that_leaves_keeps_what_arrived(proxy: Proxy) -> None:
    hold = asyncio.Event()
    async with ModelServer([say("hello", hold=hold)]) as upstream:
        await proxy.keys(upstream.base_url)
        stream = await proxy.stream(await proxy.open(), {"model": MODEL, "stream": True})
        first = await stream.chunk()
        stream.close()
        (call,) = await proxy.recorded(1)
        hold.set()
    session = await proxy.session()
    assert call.response == first
    assert "disconnect" in call.error.lower()
    assert (session.calls, session.calls_succeeded, session.upstream_failure) == (1, 0, "")


async def test_the_relay_socket_leads_to_the_same_gateway(proxy: Proxy) -> None:
    async with ModelServer([say("a"), say("b" * 300_000)]) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        for text in (b'"a"', b"bbb"):
            reply = await proxy.ask(token, {"model": MODEL, "stream": True}, relay=True)
            assert text in reply.body
    assert proxy.socket.stat().st_mode & 0o777 == 0o600


async def test_two_sessions_at_once_keep_apart(proxy: Proxy) -> None:
    def answer(seen: object) -> Answer:
        return say(seen.json["input"], delay=0.05)  # type: ignore[attr-defined]

    async with ModelServer(answer) as upstream:
        await proxy.keys(upstream.base_url)
        tokens = {name: await proxy.open(name) for name in ("left", "right")}
        asked = [(name, f"{name}-{number}") for number in range(5) for name in tokens]
        replies = await asyncio.gather(
            *(proxy.ask(tokens[name], {"model": MODEL, "input": text, "stream": True}) for name, text in asked)
        )
    assert all(text.encode() in reply.body for (_, text), reply in zip(asked, replies, strict=True))
    for name in tokens:
        calls = await proxy.recorded(5, name)
        assert sorted(json.loads(call.request)["input"] for call in calls) == [f"{name}-{n}" for n in range(5)]
        assert [call.seq for call in calls] == [1, 2, 3, 4, 5]
        assert (await proxy.session(name)).usage.input_tokens == 5000


async def test_the_canary_key_is_seen_upstream_and_nowhere_else(
    proxy: Proxy, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    half = len(CANARY) // 2
    split = Answer(
        [event("echo", text="x"), CANARY[:half].encode(), CANARY[half:].encode()], headers={"x-echo": CANARY}
    )
    answers = [say("ok"), split, items(message(CANARY)), Answer([CANARY.encode()], 500), say("x", cut=True)]
    async with ModelServer(answers) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        for _ in answers:
            stream = await proxy.stream(
                token, {"model": MODEL, "input": f"is it {CANARY}?"}, path=f"/v1/responses?k={CANARY}"
            )
            assert CANARY not in str(stream.headers)
            if len(upstream.requests) < len(answers):
                assert CANARY.encode() not in await stream.rest()
            stream.close()
        calls = await proxy.recorded(len(answers))
        for seen in upstream.requests:
            assert seen.headers["authorization"] == f"Bearer {CANARY}"
            assert token not in str(seen)
    session = await proxy.close()
    assert "*" * len(CANARY) in str(calls[3].error)
    assert CANARY not in str(calls) + str(session) + caplog.text + "".join(capfd.readouterr())
    files = [file for file in proxy.data.rglob("*") if file.is_file()]
    assert len(files) > 1
    for file in files:
        content = file.read_bytes()
        assert CANARY.encode() not in content
        assert token.encode() not in content


async def test_a_taken_port_ends_the_start_with_a_sentence(proxy: Proxy, tmp_path: harness.Path) -> None:
    with pytest.raises(NotReady, match=r"the proxy cannot start: .*failed to listen"):
        async with harness.proxy(tmp_path / "other", gateway_port=proxy.port):
            pass


async def test_an_upstream_with_tls_is_checked_against_the_given_authority(
    proxy: Proxy, tmp_path: harness.Path
) -> None:
    made = tls.made(tmp_path / "ca")
    async with ModelServer([say("safe")], tls=made.server) as upstream:
        await proxy.keys(upstream.base_url)
        assert (await proxy.ask(await proxy.open())).status == 502
        assert "certificate" in (await proxy.session()).upstream_failure.lower()
        assert upstream.requests == []
        await asyncio.sleep(0)
    async with (
        harness.proxy(tmp_path / "second", upstream_ca=str(made.authority)) as second,
        ModelServer([say("safe")], tls=made.server) as upstream,
    ):
        await second.keys(upstream.base_url)
        assert b"safe" in (await second.ask(await second.open(), {"model": MODEL, "stream": True})).body
        assert upstream.requests[0].headers["authorization"] == f"Bearer {CANARY}"


async def test_a_missing_ca_file_ends_the_start_with_a_sentence(tmp_path: harness.Path) -> None:
    with pytest.raises(NotReady, match="ONESHOT_PROXY_UPSTREAM_CA names /nowhere"):
        async with harness.proxy(tmp_path / "other", upstream_ca="/nowhere"):
            pass


async def test_stopping_records_what_is_in_flight_and_leaves_no_socket(tmp_path: harness.Path) -> None:
    hold = asyncio.Event()
    async with ModelServer([say("hello", hold=hold)]) as upstream:
        async with harness.proxy(tmp_path / "data") as first:
            await first.keys(upstream.base_url)
            token = await first.open()
            stream = await first.stream(token, {"model": MODEL, "stream": True})
            await stream.chunk()
        assert not first.socket.exists()
        stream.close()
        hold.set()
    async with harness.proxy(tmp_path / "data") as second:
        (call,) = await second.calls()
        assert b"response.created" in call.response
        session = await second.session()
        assert not session.open
        assert (await second.ask(token)).status == 401
        with pytest.raises(FileExistsError, match="taken"):
            await second.open(cassette=b'{"format":"oneshot-cassette/1","wire_api":"responses","model":"gpt-5"}\n{}')

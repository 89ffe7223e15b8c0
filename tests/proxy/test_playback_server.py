"""Replays through the gateway: paced, broken off, left, and from a session that this proxy recorded itself."""

import asyncio
import contextlib
import json
import time

import pytest

from fakes import model_server
from oneshot_proxy.playback_server import PlaybackServer
from oneshot_shared.errors import BadInput
from proxy.harness import MODEL, Proxy
from proxy.test_cassette import CALL, HEADER, lines

MESSAGE = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Done."}]}
ASKED = {"model": MODEL, "stream": True, "input": [{"role": "user", "content": "hi"}]}


async def test_nobody_without_a_ticket_gets_an_answer() -> None:
    server = PlaybackServer()
    await server.start()
    assert server._server is not None
    reader, writer = await asyncio.open_connection(*server._server.sockets[0].getsockname()[:2])
    writer.write(b"POST /guessed HTTP/1.1\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    await server.stop()


async def test_the_recorded_pace_is_kept_on_the_wire(proxy: Proxy) -> None:
    tape = lines(HEADER, {"output": [MESSAGE], "timing": {"first_token": 0.3, "seconds": 0.8}})
    token = await proxy.open(cassette=tape, recorded_timing=True)
    begun = time.monotonic()
    stream = await proxy.stream(token, ASKED)
    first = time.monotonic() - begun
    assert b"response.completed" in await stream.rest()
    whole = time.monotonic() - begun
    stream.close()
    assert 0.29 < first < 0.79 < whole
    (call,) = await proxy.recorded(1)
    assert 0.29 < call.first_byte_seconds < 0.79 < call.seconds


async def test_a_stream_that_was_cut_is_cut_again(proxy: Proxy) -> None:
    tape = lines(HEADER, {"output": [CALL], "ends": "cut"}, {"status": 0, "ends": "cut"})
    stream = await proxy.stream(await proxy.open(cassette=tape), ASKED)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError, ValueError)):
        await stream.rest()
    stream.close()
    (call,) = await proxy.recorded(1)
    assert b"output_item.done" in call.response
    assert "replay:demo broke off its answer" in call.error
    assert (await proxy.session()).calls_succeeded == 0


async def test_an_answer_that_never_came_does_not_come(proxy: Proxy) -> None:
    tape = lines(HEADER, {"status": 0, "ends": "cut"})
    reply = await proxy.ask(await proxy.open(cassette=tape), ASKED)
    assert reply.status == 502


async def test_where_the_agent_left_nothing_more_comes(proxy: Proxy) -> None:
    tape = lines(HEADER, {"output": [CALL], "ends": "left"})
    stream = await proxy.stream(await proxy.open(cassette=tape), ASKED)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stream.rest(), 0.3)
    stream.close()
    (call,) = await proxy.recorded(1)
    assert (call.status, call.error.lower()[:19]) == (200, "client disconnected")


async def test_a_recorded_session_answers_as_its_upstream_did(proxy: Proxy) -> None:
    answers = [
        model_server.error(429, "slow", headers={"retry-after": "1"}),
        model_server.items(CALL),
        model_server.say("Done."),
    ]
    second = ASKED | {
        "input": [*ASKED["input"], CALL, {"type": "function_call_output", "call_id": "c1", "output": "a"}]
    }
    async with model_server.ModelServer(answers) as server:
        await proxy.keys(server.base_url)
        token = await proxy.open()
        live = [await proxy.ask(token, body) for body in (ASKED, ASKED, second)]
        await proxy.close()
    token = await proxy.open("again", recorded_session="run-1")
    other = json.loads(json.dumps(second).replace('"output": "a"', '"output": "b"'))
    again = [await proxy.ask(token, body) for body in (ASKED, ASKED, other)]
    assert [reply.status for reply in again] == [reply.status for reply in live] == [429, 200, 200]
    assert again[0].body == live[0].body
    session = await proxy.close("again")
    assert (session.upstream, session.calls_succeeded, session.usage.input_tokens) == ("replay:run-1", 2, 2000)
    assert session.usage.cost_usd == 0
    assert list(session.drift) == ["output of c1 differs: 'b', recorded: 'a'"]


@pytest.mark.parametrize(
    ("recorded", "words"),
    [
        ("nowhere", "this stack's trace store has no session 'nowhere' to replay; `oneshot trace list` shows"),
        ("open-1", "session 'open-1' is still open; replay it when it has ended"),
        ("empty-1", "session 'empty-1' holds no model call that was answered: there is nothing to replay"),
    ],
)
async def test_what_cannot_be_replayed_is_refused_with_a_sentence(proxy: Proxy, recorded: str, words: str) -> None:
    tape = lines(HEADER, {"output": [MESSAGE]})
    await proxy.open("open-1", cassette=tape)
    await proxy.open("empty-1", cassette=tape)
    await proxy.close("empty-1")
    with pytest.raises(BadInput, match=words):
        await proxy.open("again", recorded_session=recorded)

"""Budgets and the closing of a session, through the running proxy."""

import asyncio
import json
from pathlib import Path

import pytest

from fakes.model_server import USAGE, ModelServer, body, error, say
from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot_proxy.exchange import Exchange
from oneshot_proxy.tee import Tee
from proxy import harness
from proxy.addons.test_gate_bodies import half_sent
from proxy.harness import MODEL, Proxy

STREAMED = {"model": MODEL, "stream": True}


async def closed(proxy: Proxy, **usage: int) -> pb.Session:
    """Close a session with what its agent says that it used."""
    request = pb.CloseSessionRequest(session_id="run-1", agent_usage=pb.Usage(**usage))
    return (await proxy.stub.CloseSession(request)).session


async def test_calls_that_were_sent_on_are_limited_failed_ones_included(proxy: Proxy) -> None:
    async with ModelServer([error(500, "no"), say("a"), say("never")]) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open(limits={"requests": 2})
        assert (await proxy.ask(token, {"model": "another", "input": "hi"})).error["code"] == "oneshot_model_refused"
        assert [(await proxy.ask(token)).status for _ in range(2)] == [500, 200]
        over = await proxy.ask(token)
        assert len(upstream.requests) == 2
    assert (over.status, over.error["code"]) == (400, "oneshot_budget_exceeded")
    assert over.error["message"] == "request limit 2 reached (2)"
    assert (await proxy.close()).stopped_by == "request limit 2 reached (2)"


async def test_sixteen_parallel_calls_overshoot_by_no_more_than_those_in_flight(proxy: Proxy) -> None:
    hold = asyncio.Event()
    async with ModelServer(lambda _: say("a", hold=hold)) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open(limits={"tokens": 1})
        streams = await asyncio.gather(*(proxy.stream(token, STREAMED) for _ in range(16)))
        assert (await proxy.ask(token)).error["code"] == "oneshot_too_many_calls"
        hold.set()
        await asyncio.gather(*(stream.rest() for stream in streams))
        for stream in streams:
            stream.close()
        late = await asyncio.gather(*(proxy.ask(token) for _ in range(16)))
        assert len(upstream.requests) == 16
    reached = f"token limit 1 reached ({16 * USAGE['total_tokens']})"
    assert {(reply.status, reply.error["message"]) for reply in late} == {(400, reached)}
    session = await proxy.close()
    assert (session.stopped_by, session.calls_succeeded, session.calls) == (reached, 16, 33)


async def test_sixteen_parallel_calls_never_pass_the_request_limit(proxy: Proxy) -> None:
    async with ModelServer(lambda _: say("a")) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open(limits={"requests": 5})
        replies = await asyncio.gather(*(proxy.ask(token) for _ in range(16)))
        assert len(upstream.requests) == 5
    assert sorted(reply.status for reply in replies) == [200] * 5 + [400] * 11


async def test_an_agent_that_leaves_before_the_usage_is_charged_by_size(proxy: Proxy) -> None:
    answer = say("x" * 4000)
    answer.hold = asyncio.Event()  # everything but the first event is held back
    answer.chunks = [b"".join(answer.chunks[:-1]), answer.chunks[-1]]
    async with ModelServer([answer, say("b")]) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open(limits={"tokens": 500})
        stream = await proxy.stream(token, STREAMED)
        await stream.chunk()
        stream.close()
        await proxy.recorded(1)
        reply = await proxy.ask(token)
        answer.hold.set()
    assert reply.error["code"] == "oneshot_budget_exceeded"
    assert "estimated" in reply.error["message"]
    assert (await proxy.session()).usage.output_tokens == 0  # no made-up number in what is reported


async def test_an_answer_without_usage_is_not_free(proxy: Proxy) -> None:
    async with ModelServer(lambda _: body({"object": "response", "status": "completed", "output": []})) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open(limits={"tokens": 30})
        replies = [await proxy.ask(token) for _ in range(5)]
    assert replies[-1].error["code"] == "oneshot_budget_exceeded"
    assert len(upstream.requests) < 5


async def test_an_agent_that_leaves_before_the_answer_begins_is_charged_too(proxy: Proxy) -> None:
    async with ModelServer(lambda _: say("a", delay=60)) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open(limits={"tokens": 1000})
        content = json.dumps(STREAMED | {"input": "x" * 4000}).encode()
        async with half_sent(proxy, token, f"content-length: {len(content)}", body=content), asyncio.timeout(10):
            while not upstream.requests:  # noqa: ASYNC110 -- a server on a socket
                await asyncio.sleep(0.01)
        (call,) = await proxy.recorded(1)
        assert (await proxy.ask(token)).error["code"] == "oneshot_budget_exceeded"
        assert len(upstream.requests) == 1
    assert (call.status, (await proxy.session()).usage.input_tokens) == (0, 0)


async def test_a_call_in_flight_when_its_session_closes_is_recorded(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oneshot_proxy.sessions._SETTLE_SECONDS", 0.1)
    hold = asyncio.Event()
    async with ModelServer([say("hello", hold=hold)]) as upstream:
        await proxy.keys(upstream.base_url)
        stream = await proxy.stream(await proxy.open(), STREAMED)
        assert (await proxy.close()).calls_succeeded == 0
        hold.set()
        assert b"hello" in await stream.rest()
        stream.close()
        (call,) = await proxy.recorded(1)
    assert b"hello" in call.response
    session = await proxy.session()
    assert (session.open, session.calls_succeeded, session.usage.input_tokens) == (False, 1, 1000)


@pytest.mark.parametrize("gap", [0.05, 0.6])
async def test_a_call_that_is_about_to_end_is_in_the_final_record(proxy: Proxy, gap: float) -> None:
    async with ModelServer([say("hello", gap=gap)]) as upstream:
        await proxy.keys(upstream.base_url)
        stream = await proxy.stream(await proxy.open(), STREAMED)
        assert (await proxy.close()).calls_succeeded == 1
        stream.close()


@pytest.mark.parametrize(
    ("says", "alarms"),
    [
        ({"input_tokens": 1000, "output_tokens": 50, "cached_tokens": 400, "reasoning_tokens": 20}, []),
        ({"input_tokens": 900, "output_tokens": 50}, ["the agent says that it used 900 input tokens (recorded: 1000)"]),
    ],
)
async def test_what_the_agent_says_that_it_used_is_compared_with_the_successful_calls(
    proxy: Proxy, says: dict[str, int], alarms: list[str]
) -> None:
    failed = error(500, "no")
    failed.chunks = [b'{"error": {"message": "no"}, "usage": {"input_tokens": 7, "output_tokens": 1}}']
    async with ModelServer([failed, say("a")]) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        assert [(await proxy.ask(token, STREAMED)).status for _ in range(2)] == [500, 200]
    session = await closed(proxy, **says)
    assert list(session.alarms) == alarms
    assert list((await closed(proxy, input_tokens=1)).alarms) == alarms  # closing twice changes nothing


async def test_an_agent_that_worked_past_the_proxy_is_an_alarm(proxy: Proxy) -> None:
    async with ModelServer([]) as upstream:
        await proxy.keys(upstream.base_url)
        await proxy.open()
    said = list((await closed(proxy, input_tokens=900, output_tokens=50)).alarms)
    assert said[0].startswith("no model call was recorded: ")
    assert said[1] == "the agent says that it used 900 input tokens (recorded: 0) and 50 output tokens (recorded: 0)"


async def test_an_answer_that_cannot_be_kept_whole_is_an_alarm(proxy: Proxy) -> None:
    answer = say("a", headers={"content-encoding": "gzip"})  # it is none
    async with ModelServer([answer]) as upstream:
        await proxy.keys(upstream.base_url)
        await proxy.ask(await proxy.open(), STREAMED)
    assert "the record of a call is not whole" in list((await proxy.close()).alarms)


async def test_a_live_session_without_a_model_call_is_an_alarm_once_it_is_closed(proxy: Proxy) -> None:
    await proxy.open_live("run-1")
    assert list((await proxy.session()).alarms) == []
    assert [alarm.partition(":")[0] for alarm in (await proxy.close()).alarms] == ["no model call was recorded"]


@pytest.mark.parametrize(("owner", "name"), [(Tee, "end"), (Exchange, "ended")])
async def test_a_fault_of_ours_while_recording_a_run_is_an_alarm(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, owner: type, name: str
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr(owner, name, broken)
    monkeypatch.setattr("oneshot_proxy.addons.gate._MAX_IN_FLIGHT", 1)
    async with ModelServer(lambda _: say("a")) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        await proxy.ask(token, STREAMED)
        async with asyncio.timeout(10):  # the call is in flight no more
            while (await proxy.ask(token, STREAMED)).status == 429:  # noqa: ASYNC110 -- asked over HTTP
                await asyncio.sleep(0.01)
    assert [alarm for alarm in (await proxy.close()).alarms if alarm.startswith("a call was not recorded (KeyError)")]


async def test_one_session_cannot_take_the_memory_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oneshot_proxy.addons.gate._ROOM_STEPS", 2)
    hold = asyncio.Event()
    whole = body({"object": "response", "status": "completed", "output": [], "usage": USAGE})
    async with (
        harness.proxy(tmp_path / "data", bodies_megabytes=1) as proxy,
        ModelServer(lambda seen: say("a", hold=hold) if b"PAD" in seen.body else whole) as upstream,
    ):
        await proxy.keys(upstream.base_url)
        greedy, good = await proxy.open("greedy"), await proxy.open("good", limits={"tokens": 1050})
        padded = {"model": MODEL, "input": "PAD" + "x" * 150_000, "stream": True}
        held = await proxy.stream(greedy, padded)
        assert (await proxy.ask(greedy, padded)).error["code"] == "oneshot_too_many_calls"
        too_large = await proxy.ask(greedy, {"model": MODEL, "input": "x" * 300_000})
        assert (too_large.status, too_large.error["code"]) == (400, "oneshot_bad_request")
        assert [(await proxy.ask(good)).status for _ in range(2)] == [200, 400]  # its budget counts
        hold.set()
        await held.rest()
        held.close()
        first, second, third = await proxy.recorded(3, "greedy")
        assert (len(first.request) > 150_000, second.request, third.request) == (True, b"", b"")
        session = await proxy.close("good")
    assert (list(session.alarms), session.calls_succeeded, session.calls_decoded) == ([], 1, 1)


async def test_a_call_waits_for_the_room_of_the_one_before_it(tmp_path: Path) -> None:
    hold = asyncio.Event()
    async with (
        harness.proxy(tmp_path / "data", bodies_megabytes=1) as proxy,
        ModelServer([say("a", hold=hold), say("b")]) as upstream,
    ):
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        padded = {"model": MODEL, "input": "x" * 150_000, "stream": True}
        held = await proxy.stream(token, padded)
        second = asyncio.ensure_future(proxy.ask(token, padded))
        await asyncio.sleep(0.2)
        assert not second.done()
        hold.set()
        await held.rest()
        held.close()
        assert (await second).status == 200
        assert [len(call.request) > 150_000 for call in await proxy.recorded(2)] == [True, True]

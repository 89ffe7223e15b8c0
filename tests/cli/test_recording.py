"""A live session around a command, where `oneshot trace record` does not show it."""

import asyncio

import pytest

from cli.harness import House
from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2_grpc
from oneshot_cli import recording
from oneshot_cli.recording import Recording
from oneshot_shared.client import channel
from oneshot_shared.errors import BadInput


def test_the_summary_says_what_is_known() -> None:
    usage = pb.Usage(input_tokens=12_000, cached_tokens=400, output_tokens=345)
    record = pb.Session(calls=3, usage=usage, alarms=["one", "two"], stopped_by="token limit 5 reached (6)")
    found = Recording("live-1", {}, record, "no session 'live-1'")
    assert recording.summary(found).splitlines() == [
        "oneshot: Recorded 3 calls, 12,345 tokens (12,000 in, of them 400 cached; 345 out), cost unknown: "
        "oneshot trace show live-1",
        "oneshot: Alarm: one",
        "oneshot: Alarm: two",
        "oneshot: Stopped: token limit 5 reached (6)",
        "oneshot: Alarm: the recording may have ended early (no session 'live-1')",
    ]
    record.usage.cost_usd = 0.5
    assert "0.5000 USD" in recording.summary(found)
    record.upstream_failure = "the proxy was restarted while this session was open"
    assert "oneshot: Alarm: the proxy was restarted while this session was open" in recording.summary(found)
    record.alarms.append(f"3 calls came, none succeeded: {record.upstream_failure}")
    assert recording.summary(found).count("restarted") == 1


async def test_a_session_that_others_closed_is_said(own_house: House) -> None:
    """As its proxy does where nobody held it for a while: what came after is in no record."""
    assert own_house("up").code == 0
    async with channel(own_house.stack.address("proxy"), own_house.stack.token) as opened:
        stub = proxy_pb2_grpc.ProxyServiceStub(opened)
        async with recording.recording(stub) as found:
            await stub.CloseSession(pb.CloseSessionRequest(session_id=found.session_id))
            while not found.gone:  # noqa: ASYNC110 -- what is waited for is set by the code under test
                await asyncio.sleep(0.05)
    assert "Alarm: the recording may have ended early (" in recording.summary(found)


def test_the_proxy_is_where_the_stack_is() -> None:
    assert recording.proxy_place("", {}, 5) == "127.0.0.1:5"
    assert recording.proxy_place("far.example:50053", {"ONESHOT_PORT_FORWARD": "7"}, 5) == "far.example:7"
    assert recording.proxy_place("", {"ONESHOT_ENDPOINT": "far.example"}, 5) == "far.example:5"


def test_a_missing_program() -> None:
    with pytest.raises(BadInput, match="no program 'no-such-program'"):
        recording.check(["no-such-program"])
    recording.check(["sh"])

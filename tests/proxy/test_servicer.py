"""ProxyService over a real channel."""

import datetime as dt
import json
import sqlite3

import pytest

from fakes.model_server import ModelServer, body, say
from oneshot.info.v1 import info_pb2, info_pb2_grpc
from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot_shared import client
from oneshot_shared.errors import BadInput, DataLoss, NotReady
from proxy.harness import MODEL, Proxy


async def test_a_session_from_opening_to_close(proxy: Proxy) -> None:
    async with ModelServer([say("a")]) as upstream:
        await proxy.keys(upstream.base_url)
        request = pb.OpenSessionRequest(session_id="run-1", model=MODEL, provider="openai")
        opened = await proxy.stub.OpenSession(request)
        assert opened.token.startswith("osb.run-1.")
        assert (opened.gateway_port, opened.gateway_socket, opened.price_known) == (proxy.port, str(proxy.socket), True)
        assert await proxy.stub.OpenSession(request) == opened
        await proxy.ask(opened.token, {"model": MODEL, "stream": True})
    session = await proxy.close()
    assert (session.session_id, session.model, session.upstream) == ("run-1", MODEL, "openai")
    assert (session.open, session.calls, session.calls_succeeded) == (False, 1, 1)
    assert session.usage.cost_usd > 0
    age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(session.opened_at)
    assert dt.timedelta(0) <= age < dt.timedelta(seconds=30)
    assert await proxy.close() == session == await proxy.session()
    (call,) = await proxy.calls()
    assert call.usage == session.usage
    assert call.content_type == "text/event-stream"


async def test_validate_only_gives_no_token(proxy: Proxy) -> None:
    request = pb.OpenSessionRequest(session_id="run-1", model=MODEL, provider="openai", validate_only=True)
    with pytest.raises(NotReady, match="export OPENAI_API_KEY"):
        await proxy.stub.OpenSession(request)
    await proxy.keys("http://127.0.0.1:9/v1")
    response = await proxy.stub.OpenSession(request)
    assert (response.token, response.price_known) == ("", True)
    with pytest.raises(FileNotFoundError, match="no session"):
        await proxy.session()


async def test_errors_have_the_status_of_the_contract(proxy: Proxy) -> None:
    with pytest.raises(BadInput, match="set a provider, a cassette or a recorded session"):
        await proxy.stub.OpenSession(pb.OpenSessionRequest(session_id="a", model=MODEL))
    with pytest.raises(BadInput, match="belongs to no provider"):
        await proxy.stub.PutKeys(pb.PutKeysRequest(variables={"PATH": "/bin"}))
    for wrong in (proxy.session, proxy.close, proxy.calls):
        with pytest.raises(FileNotFoundError, match="no session 'none'"):
            await wrong("none")


async def test_sessions_are_listed_newest_first(proxy: Proxy) -> None:
    await proxy.keys("http://127.0.0.1:9/v1")
    for number in range(3):
        await proxy.open(f"run-{number}")
    listed = await proxy.stub.ListSessions(pb.ListSessionsRequest(limit=2))
    assert [session.session_id for session in listed.sessions] == ["run-2", "run-1"]
    assert len((await proxy.stub.ListSessions(pb.ListSessionsRequest())).sessions) == 3


async def test_info_says_that_sessions_keep_it_busy(proxy: Proxy) -> None:
    await proxy.keys("http://127.0.0.1:9/v1")
    await proxy.open()
    async with client.channel(f"unix:{proxy.socket.parent.parent}/grpc", "caller-token") as channel:
        info = await info_pb2_grpc.InfoServiceStub(channel).GetInfo(info_pb2.GetInfoRequest())
    assert info.busy == "1 live session"


async def test_large_bodies_come_in_pieces_that_any_client_takes(proxy: Proxy) -> None:
    text = "x" * 2_500_000
    async with ModelServer([body({"object": "response", "output": [], "text": text, "usage": {}})]) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        await proxy.ask(token, {"model": MODEL, "input": text})
    request = pb.StreamCallsRequest(session_id="run-1")
    sizes = [message.ByteSize() async for message in proxy.stub.StreamCalls(request)]
    assert len(sizes) == 3
    assert max(sizes) < 4 * 1024 * 1024
    (call,) = await proxy.calls()
    assert json.loads(call.request)["input"] == text
    assert json.loads(call.response)["text"] == text


async def test_a_session_is_verified_and_deleted(proxy: Proxy) -> None:
    async with ModelServer([say("hi")]) as server:
        await proxy.keys(server.base_url)
        await proxy.ask(await proxy.open())
        await proxy.recorded(1)
    with pytest.raises(NotReady, match="session 'run-1' is open"):
        await proxy.stub.PruneSessions(pb.PruneSessionsRequest(session_ids=["run-1"]))
    closed = await proxy.close()
    verified = await proxy.stub.VerifySession(pb.VerifySessionRequest(session_id="run-1"))
    assert (verified.calls, verified.body_bytes, list(verified.damaged)) == (1, closed.body_bytes, [])
    connection = sqlite3.connect(proxy.data / "state" / "proxy.sqlite")
    connection.execute("UPDATE calls SET response_sha256 = x'00'")
    connection.commit()
    connection.close()
    verified = await proxy.stub.VerifySession(pb.VerifySessionRequest(session_id="run-1"))
    assert len(verified.damaged) == 1
    with pytest.raises(DataLoss, match="call 1 of session 'run-1' is not what was recorded"):
        await proxy.calls()
    assert list((await proxy.stub.PruneSessions(pb.PruneSessionsRequest(older_than_seconds=3600))).session_ids) == []
    both = pb.PruneSessionsRequest(older_than_seconds=0, session_ids=["run-1"], dry_run=True)
    with pytest.raises(BadInput, match="an age is for all sessions; give only one of the two"):
        await proxy.stub.PruneSessions(both)
    wanted = pb.PruneSessionsRequest(older_than_seconds=0, dry_run=True)
    assert list((await proxy.stub.PruneSessions(wanted)).session_ids) == ["run-1"]
    wanted.dry_run = False
    assert list((await proxy.stub.PruneSessions(wanted)).session_ids) == ["run-1"]
    with pytest.raises(FileNotFoundError):
        await proxy.session()

"""Leases: who holds a session, and what becomes of it when she leaves."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from fakes.model_server import ModelServer, say
from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot_proxy.leases import Leases
from oneshot_proxy.redact import Secrets
from oneshot_proxy.session import Spec
from oneshot_proxy.sessions import Sessions
from oneshot_proxy.store import Store
from proxy.harness import MODEL, Proxy


async def test_the_record_comes_at_once_and_at_each_change(proxy: Proxy) -> None:
    async with ModelServer([say("a")]) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        stream = proxy.stub.HoldSession(pb.HoldSessionRequest(session_id="run-1"))
        records = [(await anext(stream)).session]
        await proxy.ask(token, {"model": MODEL, "stream": True})
        records.append((await anext(stream)).session)
        await proxy.close()
        async for response in stream:
            records.append(response.session)  # noqa: PERF401 -- the stream must end by itself
    assert [record.calls for record in records] == [0, 1, 1]
    assert [record.open for record in records] == [True, True, False]


async def test_a_session_that_is_not_open_cannot_be_held(proxy: Proxy) -> None:
    token = await proxy.open_live()
    assert token
    await proxy.close("live-1")
    for name in ("live-1", "none"):
        with pytest.raises(FileNotFoundError, match=f"no open session '{name}'"):
            async for _ in proxy.stub.HoldSession(pb.HoldSessionRequest(session_id=name)):
                pass


async def held(leases: Leases, name: str = "live-1") -> None:
    """Hold until cancelled."""
    async with aclosing(leases.hold(name)) as records:
        async for _ in records:
            pass


async def test_the_last_one_to_leave_closes_it_unless_somebody_comes_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "proxy.sqlite")
    sessions = Sessions(store, Secrets())
    leases = Leases(sessions, grace=0.3)
    await sessions.open(Spec("live-1", "", kind="live"))
    first, second = [asyncio.create_task(held(leases)) for _ in range(2)]
    await asyncio.sleep(0.05)
    first.cancel()
    await asyncio.sleep(0.4)
    assert sessions.is_open("live-1")  # the second holds it
    second.cancel()
    await asyncio.sleep(0.1)
    third = asyncio.create_task(held(leases))
    await asyncio.sleep(0.4)
    assert sessions.is_open("live-1")  # the third came back in time
    third.cancel()
    await asyncio.sleep(0.4)
    assert not sessions.is_open("live-1")
    assert (await sessions.get("live-1")).closed_at
    await asyncio.gather(first, second, third, return_exceptions=True)
    await store.close()


async def test_the_end_of_the_service_ends_every_lease_and_closes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "proxy.sqlite")
    sessions = Sessions(store, Secrets())
    leases = Leases(sessions)
    await sessions.open(Spec("live-1", "", kind="live"))
    task = asyncio.create_task(held(leases))
    await asyncio.sleep(0.05)
    leases.end()
    await asyncio.wait_for(task, 1)
    assert sessions.is_open("live-1")
    await store.close()


async def test_a_client_that_is_gone_leaves_the_session_to_the_others(proxy: Proxy) -> None:
    await proxy.open_live()
    stream = proxy.stub.HoldSession(pb.HoldSessionRequest(session_id="live-1"))
    await anext(stream)
    await stream.aclose()
    again = proxy.stub.HoldSession(pb.HoldSessionRequest(session_id="live-1"))
    assert (await anext(again)).session.kind == pb.SESSION_KIND_LIVE
    await again.aclose()


async def test_a_store_that_cannot_be_read_ends_no_lease(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(_: Store) -> None:
        raise OSError(28, "the disk is full")

    token = await proxy.open_live()
    monkeypatch.setattr(Store, "flush", full)
    stream = proxy.stub.HoldSession(pb.HoldSessionRequest(session_id="live-1"))
    assert (await anext(stream)).session.calls == 0
    await proxy.ask(token)  # refused, and counted
    response = await asyncio.wait_for(anext(stream), 5)
    assert (response.session.calls, response.session.open) == (1, True)
    await stream.aclose()
    monkeypatch.undo()


async def test_a_live_session_that_nobody_ever_holds_is_closed(tmp_path: Path) -> None:
    store = Store(tmp_path / "proxy.sqlite")
    sessions = Sessions(store, Secrets())
    leases = Leases(sessions, first_grace=0.2)
    await sessions.open(Spec("live-1", "", kind="live"))
    await sessions.open(Spec("live-2", "", kind="live"))
    leases.expect("live-1")
    leases.expect("live-2")
    task = asyncio.create_task(held(leases, "live-2"))
    await asyncio.sleep(0.05)
    leases.expect("live-2")  # as a repeated OpenSession does
    await asyncio.sleep(0.4)
    assert (sessions.is_open("live-1"), sessions.is_open("live-2")) == (False, True)
    leases.end()
    await asyncio.wait_for(task, 2)
    await store.close()


async def test_opening_a_live_session_begins_to_wait_for_its_holder(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected: list[str] = []
    monkeypatch.setattr(Leases, "expect", lambda _, session_id: expected.append(session_id))
    await proxy.open_live()
    await proxy.stub.OpenSession(pb.OpenSessionRequest(session_id="ask", kind=pb.SESSION_KIND_LIVE, validate_only=True))
    assert expected == ["live-1"]

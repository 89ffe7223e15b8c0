"""What still streams at the wall limit."""

import asyncio
import time

import pytest

from fakes.model_server import ModelServer, say
from proxy.harness import MODEL, Proxy

LIMIT = "wall time limit 1 s reached (1)"


async def test_a_running_stream_is_cut_at_the_wall_limit_and_what_came_is_kept(proxy: Proxy) -> None:
    hold = asyncio.Event()
    async with ModelServer([say("hello", hold=hold)]) as upstream:
        await proxy.keys(upstream.base_url)
        before = time.monotonic()
        stream = await proxy.stream(await proxy.open(limits={"wall_seconds": 1}), {"model": MODEL, "stream": True})
        assert b"response.created" in await stream.chunk()
        with pytest.raises((asyncio.IncompleteReadError, ValueError)):
            await stream.rest()
        assert 0.9 < time.monotonic() - before < 10  # without the cut it would hang; 1.1 s on an idle machine
        stream.close()
        (call,) = await proxy.recorded(1)
        hold.set()
    assert (call.error, call.status) == (LIMIT, 200)
    assert b"response.created" in call.response
    session = await proxy.session()
    assert (session.stopped_by, session.upstream_failure, session.calls_succeeded) == (LIMIT, "", 0)


async def test_an_upstream_that_says_nothing_is_not_waited_for(proxy: Proxy) -> None:
    async with ModelServer([say("hello", delay=60)]) as upstream:
        await proxy.keys(upstream.base_url)
        reply = await proxy.ask(await proxy.open(limits={"wall_seconds": 1}))
        (call,) = await proxy.recorded(1)
    assert reply.status == 502
    assert call.error == LIMIT
    assert (await proxy.session()).upstream_failure == ""


async def test_a_call_that_ends_in_time_leaves_no_timer(proxy: Proxy) -> None:
    async with ModelServer([say("hello")]) as upstream:
        await proxy.keys(upstream.base_url)
        assert (await proxy.ask(await proxy.open(limits={"wall_seconds": 1}))).status == 200
        await asyncio.sleep(1.2)
    assert (await proxy.session()).stopped_by == ""

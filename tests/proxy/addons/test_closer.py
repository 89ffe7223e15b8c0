"""Whether connections are closed."""

import asyncio
from types import SimpleNamespace

from mitmproxy.test.tflow import tclient_conn

from fakes.model_server import ModelServer, say
from oneshot_proxy.addons.closer import Closer
from proxy.harness import MODEL, Proxy


async def test_a_client_sees_the_end_of_a_connection_that_the_upstream_ended(proxy: Proxy) -> None:
    async with ModelServer([say("a")] * 5) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        for _ in range(5):
            stream = await proxy.stream(token, {"model": MODEL, "stream": True})
            await stream.rest()
            assert await asyncio.wait_for(stream.reader.read(), 5) == b""
            stream.close()


def test_only_what_is_left_is_closed() -> None:
    closed: list[bool] = []
    client = tclient_conn()
    left = SimpleNamespace(writer=SimpleNamespace(close=lambda: closed.append(True)))
    connections = {client.id: SimpleNamespace(transports={client: left})}
    Closer(SimpleNamespace(connections=connections)).client_disconnected(client)
    assert closed == [True]
    connections[client.id].transports.clear()
    Closer(SimpleNamespace(connections=connections)).client_disconnected(client)
    Closer(SimpleNamespace(connections={})).client_disconnected(client)
    assert closed == [True]

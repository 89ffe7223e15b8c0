"""What bodies the gate lets in, and how many: memory is bounded before anybody is known, and whatever is sent."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator

import pytest
import zstandard

from fakes.model_server import ModelServer, say
from oneshot_proxy import wire
from oneshot_proxy.addons import gate
from proxy.harness import MODEL, Proxy


def chunk(size: int) -> bytes:
    """One of a chunked body, and not the last."""
    return b"%x\r\n%b\r\n" % (size, b"x" * size)


@contextlib.asynccontextmanager
async def half_sent(
    proxy: Proxy, token: str, *lines: str, times: int = 1, body: bytes = b""
) -> AsyncIterator[asyncio.StreamReader]:
    """The heads of so many requests, and no whole body of any; what is answered to the first."""
    opened = [await asyncio.open_connection("127.0.0.1", proxy.port) for _ in range(times)]
    for _, writer in opened:
        head = ["POST /v1/responses HTTP/1.1", "host: x", f"authorization: Bearer {token}", *lines, "", ""]
        writer.write("\r\n".join(head).encode() + body)
    try:
        yield opened[0][0]
    finally:
        for _, writer in opened:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def until_429(proxy: Proxy, token: str) -> str:
    async with asyncio.timeout(10):
        while (reply := await proxy.ask(token, {})).status != 429:  # noqa: ASYNC110 -- asked over HTTP
            await asyncio.sleep(0.01)
    return str(reply.error["message"])


@pytest.mark.parametrize("line", [f"content-length: {wire.MAX_BODY}", "transfer-encoding: chunked"])
async def test_a_large_body_of_nobody_is_not_waited_for(proxy: Proxy, line: str) -> None:
    async with half_sent(proxy, "nobody", line) as reader:
        assert await asyncio.wait_for(reader.read(), 10) == b""


async def test_a_body_that_is_too_large_is_refused_before_it_comes(proxy: Proxy) -> None:
    await proxy.keys("http://127.0.0.1:9/v1")
    async with half_sent(proxy, await proxy.open(), f"content-length: {wire.MAX_BODY + 1}") as reader:
        assert b" 413 " in await asyncio.wait_for(reader.readline(), 10)
    (call,) = await proxy.recorded(1)
    assert f"at most {wire.MAX_BODY} are allowed" in call.error


async def test_a_body_of_unknown_length_ends_at_the_same_size(proxy: Proxy) -> None:
    await proxy.keys("http://127.0.0.1:9/v1")
    async with half_sent(
        proxy, await proxy.open(), "transfer-encoding: chunked", body=chunk(wire.MAX_BODY + 1)
    ) as reader:
        assert b" 413 " in await asyncio.wait_for(reader.readline(), 10)
    assert (await proxy.recorded(1))[0].error.startswith("Request body exceeds")


async def test_what_waits_for_room_is_not_read(proxy: Proxy) -> None:
    await proxy.keys("http://127.0.0.1:9/v1")
    token = await proxy.open()
    async with half_sent(proxy, token, "transfer-encoding: chunked", times=2):
        await asyncio.sleep(0.2)  # they have the room; nothing outside tells
        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        head = f"POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ntransfer-encoding: chunked"
        writer.write(f"{head}\r\n\r\n".encode() + chunk(64 * 2**20))
        with pytest.raises(TimeoutError):  # the kernel holds some megabytes
            await asyncio.wait_for(writer.drain(), 2)
        writer.transport.abort()


@pytest.mark.parametrize("line", [f"content-length: {wire.MAX_BODY}", "transfer-encoding: chunked"])
async def test_the_room_of_a_body_is_taken_before_it_comes(
    proxy: Proxy, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oneshot_proxy.addons.gate._ROOM_STEPS", 2)
    await proxy.keys("http://127.0.0.1:9/v1")
    token = await proxy.open()
    async with half_sent(proxy, token, line, times=2):  # they fill the session's part
        assert "there is no room now" in await until_429(proxy, token)
    async with asyncio.timeout(10):
        while (await proxy.ask(token, {})).status == 429:  # noqa: ASYNC110 -- asked over HTTP
            await asyncio.sleep(0.01)


async def test_an_encoded_body_is_bounded_by_what_comes_out_of_it(proxy: Proxy) -> None:
    await proxy.keys("http://127.0.0.1:9/v1")
    content = zstandard.compress(json.dumps({"model": MODEL, "input": " " * wire.MAX_BODY}).encode())
    reply = await proxy.ask(await proxy.open(), content, headers={"content-encoding": "zstd"})
    assert (reply.status, reply.error["code"]) == (400, "oneshot_bad_request")
    assert f"more than {wire.MAX_BODY} bytes after decoding zstd" in reply.error["message"]


async def test_one_large_body_is_read_at_a_time(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    real, reading, most = wire.parse, 0, 0

    def parse(wire_api: str, content: bytes) -> wire.Request:
        nonlocal reading, most
        reading += 1
        most = max(most, reading)
        time.sleep(0.02)  # others get their turn
        reading -= 1
        return real(wire_api, content)

    monkeypatch.setattr(wire, "parse", parse)
    async with ModelServer(lambda _: say("a")) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        large = {"model": MODEL, "input": "x" * 300_000, "stream": True}
        replies = await asyncio.gather(*(proxy.ask(token, large) for _ in range(6)))
    assert ({reply.status for reply in replies}, most) == ({200}, 1)


async def test_open_requests_are_bounded(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_MAX_OPEN", 2)
    await proxy.keys("http://127.0.0.1:9/v1")
    token = await proxy.open()
    async with half_sent(proxy, token, "content-length: 10", times=2):
        assert "more than 2 requests of this session are open" in await until_429(proxy, token)

"""A model API on loopback, as light as asyncio allows: what the proxy benchmarks have behind both proxies.

A program of its own: it prints its port, and leaves at the end of its standard input. To a request with `"stream": true` it
answers `EVENTS` server-sent events, `GAP` seconds apart, each with the time at which it was written (CLOCK_MONOTONIC, which all
processes of a machine share); to one of more than `LARGE` bytes an answer of
10 MB, to any other a short one. Connections are kept.
"""

import asyncio
import json
import os
import sys
import time

EVENTS, GAP = 200, 0.005
LARGE = 1024 * 1024
STAMP = b'"at": '
_USAGE = {"input_tokens": 10000, "output_tokens": 200, "total_tokens": 10200}
_DONE = {"id": "resp_1", "object": "response", "status": "completed", "output": [], "usage": _USAGE}
_LAST = (
    b"event: response.completed\ndata: %s\n\n" % json.dumps({"type": "response.completed", "response": _DONE}).encode()
)
_TEXT = {"type": "output_text", "text": "all work and no play " * 500_000}
_ANSWER = json.dumps(_DONE | {"output": [{"type": "message", "role": "assistant", "content": []}]}).encode()
_JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_LONG = json.dumps(_DONE | {"output": [{"type": "message", "role": "assistant", "content": [_TEXT]}]}).encode()


def event(text: bytes) -> bytes:
    """One delta of about 150 bytes, as the real API sends them, with the time of its writing."""
    return (
        b'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", "item_id": "msg_1", "delta": "%s", %s%.7f}\n\n'
        % (text, STAMP, time.monotonic())
    )


class Connection(asyncio.Protocol):
    """Reads requests one after the other, by their Content-Length."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._got = transport, bytearray()
        self._streaming: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        self._got += data
        head = self._got.find(b"\r\n\r\n")
        if head < 0:
            return
        lines = bytes(self._got[:head]).lower().split(b"\r\n")
        size = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        if len(self._got) < head + 4 + size:
            return
        streams = b'"stream": true' in self._got
        self._got.clear()
        if streams:
            self._streaming = asyncio.get_running_loop().create_task(self._stream())
        else:
            body = _LONG if size > LARGE else _ANSWER
            self._transport.write(_JSON % len(body) + body)

    def connection_lost(self, _: Exception | None) -> None:
        if self._streaming:
            self._streaming.cancel()

    async def _stream(self) -> None:
        loop, self._due = asyncio.get_running_loop(), time.monotonic()
        self._transport.write(_HEAD)
        for number in range(EVENTS):
            data = event(b"word %d " % number)
            self._transport.write(b"%x\r\n%s\r\n" % (len(data), data))
            self._due += GAP
            await asyncio.sleep(max(0.0, self._due - loop.time()))
        self._transport.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(_LAST), _LAST))


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), lambda: None if os.read(sys.stdin.fileno(), 1024) else ended.set())
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(_serve())

"""The proxy benchmarks' client: requests that look like Codex's, and their answers timed as they come, on a bare asyncio protocol."""

import asyncio
import base64
import json
import random
import re
import time
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from oneshot_shared.errors import NotReady
from proxied import MODEL, Place

BODY_BYTES = 40 * 1024
_NEW_BYTES = 2 * 1024
_STAMP = re.compile(rb'"at": ([0-9.]+)\}')


@dataclass
class Answer:
    """Seconds from the request's beginning to the first byte and to the last, and what came, with the times of its coming."""

    first: float
    seconds: float
    pieces: list[tuple[float, bytes]]

    @property
    def delays(self) -> list[float]:
        """How late each event was: seconds from its writing to its coming."""
        ends = list(accumulate(len(data) for _, data in self.pieces))
        found = _STAMP.finditer(b"".join(data for _, data in self.pieces))
        return [self.pieces[bisect_left(ends, each.end())][0] - float(each[1]) for each in found]


class Connection(asyncio.Protocol):
    """One connection; one request at a time."""

    _done: "asyncio.Future[Answer] | None" = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self, request: bytes, start: float) -> "asyncio.Future[Answer]":
        """Send a request. `start`: when it began, by time.monotonic. The future fails with NotReady where it was refused."""
        self._start, self._pieces, self._left = start, list[tuple[float, bytes]](), -1
        self._done = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._done

    def data_received(self, data: bytes) -> None:
        """A piece of the answer."""
        self._pieces.append((time.monotonic(), data))
        if len(self._pieces) == 1:
            head, _, body = data.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                self._end(NotReady(f"a request was refused: {data[:500].decode(errors='replace')}"))
                return
            size = re.search(rb"(?i)content-length: *(\d+)", head)
            self._left = int(size[1]) - len(body) if size else -1
        elif self._left > 0:
            self._left -= len(data)
        if self._left == 0 or (self._left < 0 and data.endswith(b"0\r\n\r\n")):
            self._end()

    def connection_lost(self, _: Exception | None) -> None:
        """Broken off, or closed by `close`."""
        self._end(NotReady("a connection was closed in the middle of an answer"))

    def _end(self, error: Exception | None = None) -> None:
        if self._done is None or self._done.done():
            return
        if error:
            self._done.set_exception(error)
        else:
            first, last = self._pieces[0][0], self._pieces[-1][0]
            self._done.set_result(Answer(first - self._start, last - self._start, self._pieces))

    def close(self) -> None:
        """Leave."""
        self._done = None
        self._transport.close()


async def connected(place: Place) -> Connection:
    """A new connection. :raises NotReady: nobody listens."""
    try:
        _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", place.port)
    except OSError as error:
        raise NotReady(f"{place.name} cannot be reached ({error})") from None
    return connection


class Conversation:
    """What an agent sends turn after turn: its whole history, to which each turn adds about 2 KB of new text.

    Bodies have `size` bytes at the median: where one is a quarter larger, the oldest turns are left out until it is a quarter
    smaller, as agents do when their history grows too long. No two are equal.
    """

    def __init__(self, seed: int, stream: bool, size: int = BODY_BYTES) -> None:
        self._random = random.Random(seed)  # noqa: S311 -- filler, the same in every run
        self._stream, self._key = stream, f"key-{seed}"
        self._fixed = {"instructions": self._text(8 * 1024), "tools": [_tool(number) for number in range(12)]}
        self._items: list[tuple[dict[str, Any], int]] = []
        self._slack = size // 4
        self._left = size - len(json.dumps(self._fixed))
        while self._left > 0:
            self._turn()

    def request(self, token: str) -> bytes:
        """The next one, head and body."""
        self._turn()
        if self._left < -self._slack:
            while self._left < self._slack:
                self._left += self._items.pop(0)[1]
        history = {"input": [item for item, _ in self._items], "store": False, "stream": self._stream}
        body = json.dumps({"model": MODEL} | self._fixed | history | {"prompt_cache_key": self._key}).encode()
        head = f"POST /v1/responses HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {token}\r\n"
        kind = "accept: text/event-stream\r\ncontent-type: application/json\r\n"
        return f"{head}{kind}content-length: {len(body)}\r\n\r\n".encode() + body

    def _turn(self) -> None:
        call_id = f"call_{self._random.randrange(1 << 60):x}"
        call = {"type": "function_call", "name": "exec_command", "call_id": call_id}
        for item in (
            {"type": "reasoning", "summary": [], "encrypted_content": self._text(800)},
            call | {"arguments": json.dumps({"cmd": f"cat {self._text(40)}", "workdir": "/app"})},
            {"type": "function_call_output", "call_id": call_id, "output": f"Chunk\n{self._text(_NEW_BYTES - 1100)}\n"},
        ):
            self._items.append((item, len(json.dumps(item)) + 2))
            self._left -= self._items[-1][1]

    def _text(self, size: int) -> str:
        return base64.b64encode(self._random.randbytes(size * 3 // 4)).decode()


def _tool(number: int) -> dict[str, Any]:
    properties = {
        name: {"type": "string", "description": f"What {name} does. " * 4} for name in ("cmd", "workdir", "shell")
    }
    parameters = {"type": "object", "properties": properties, "required": ["cmd"], "additionalProperties": False}
    return {"type": "function", "name": f"tool_{number}", "description": "Runs it. " * 10, "parameters": parameters}

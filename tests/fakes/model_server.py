"""A scripted model API on loopback. It shares no code with the proxy, so that it can prove it wrong.

async with ModelServer([call("exec_command", {"cmd": "ls"}), say("Done.")]) as server:
    ...  # server.base_url is the upstream; server.requests is what it saw
"""

import asyncio
import contextlib
import json
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

USAGE = {
    "input_tokens": 1000,
    "input_tokens_details": {"cached_tokens": 400},
    "output_tokens": 50,
    "output_tokens_details": {"reasoning_tokens": 20},
    "total_tokens": 1050,
}


@dataclass
class Answer:
    """What is sent for one request: chunks as they are, with `gap` seconds between them.

    `hold`: waited for after the first chunk. `cut`: the connection breaks after the last chunk, before the body's end.
    """

    chunks: list[bytes]
    status: int = 200
    content_type: str = "text/event-stream"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    gap: float = 0.0
    hold: asyncio.Event | None = None
    cut: bool = False


@dataclass(frozen=True)
class Seen:
    """A request as it arrived. Header names are lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)


def event(kind: str, **fields: object) -> bytes:
    """One server-sent event of the Responses API."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def items(*output: dict[str, Any], usage: dict[str, Any] | None = None, **how: Any) -> Answer:
    """A streamed answer of the Responses API with these items."""
    response = {"id": "resp_1", "object": "response", "status": "completed", "output": list(output)}
    whole = response | {"usage": USAGE if usage is None else usage}
    chunks = [event("response.created", response=response | {"status": "in_progress", "output": []})]
    for index, item in enumerate(output):
        chunks.append(event("response.output_item.added", output_index=index, item=item))
        chunks.append(event("response.output_item.done", output_index=index, item=item))
    return Answer([*chunks, event("response.completed", response=whole)], **how)


def message(text: str) -> dict[str, Any]:
    """An assistant's message item."""
    return {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }


def say(text: str, **how: Any) -> Answer:
    """A streamed message."""
    return items(message(text), **how)


def call(name: str, arguments: dict[str, Any], call_id: str = "call_1", **how: Any) -> Answer:
    """A streamed function call."""
    item = {"type": "function_call", "id": f"fc_{call_id}", "name": name, "call_id": call_id}
    return items(item | {"arguments": json.dumps(arguments), "status": "completed"}, **how)


def body(value: object, status: int = 200, **how: Any) -> Answer:
    """Any JSON."""
    return Answer([json.dumps(value).encode()], status, "application/json", **how)


def error(status: int, text: str, code: str = "", **how: Any) -> Answer:
    """An error in OpenAI's shape."""
    return body({"error": {"message": text, "type": "error", "code": code or None}}, status, **how)


class ModelServer:
    """Serves answers in their order, or what a function makes of each request; records all requests."""

    def __init__(self, answers: Sequence[Answer] | Callable[[Seen], Answer], tls: ssl.SSLContext | None = None) -> None:
        self._answers = answers
        self._tls = tls
        self.requests: list[Seen] = []
        self.gone = asyncio.Event()  # a client left before its answer was whole

    async def __aenter__(self) -> Self:
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"https://localhost:{port}/v1" if self._tls else f"http://127.0.0.1:{port}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self._server.abort_clients()  # also those whose TLS handshake is not over
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            seen = await _read(reader)
            self.requests.append(seen)
            await self._answer(self._next(seen), writer)
        except asyncio.IncompleteReadError:
            pass
        except ConnectionError:
            self.gone.set()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _next(self, seen: Seen) -> Answer:
        if callable(self._answers):
            return self._answers(seen)
        used = len(self.requests)
        return self._answers[used - 1] if used <= len(self._answers) else error(500, "the script has no more answers")

    async def _answer(self, answer: Answer, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(answer.delay)
        fixed = {"content-type": answer.content_type, "transfer-encoding": "chunked", "connection": "close"}
        lines = [f"HTTP/1.1 {answer.status} Scripted", *(f"{k}: {v}" for k, v in (fixed | answer.headers).items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        for index, chunk in enumerate(answer.chunks):
            if index == 1 and answer.hold:
                await answer.hold.wait()
            writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            await writer.drain()
            await asyncio.sleep(answer.gap)
        if answer.cut:
            writer.transport.abort()
        else:
            writer.write(b"0\r\n\r\n")
            await writer.drain()


@contextlib.contextmanager
def serving(
    answers: Sequence[Answer] | Callable[[Seen], Answer], tls: ssl.SSLContext | None = None
) -> Iterator[ModelServer]:
    """The same in a thread with a loop of its own, for tests that have none."""
    loop = asyncio.new_event_loop()
    server = ModelServer(answers, tls)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _read(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
    return Seen(method, path, headers, await reader.readexactly(int(headers.get("content-length", 0))))


@contextlib.asynccontextmanager
async def raw(
    answer: bytes, tls: ssl.SSLContext | None = None, *, early: bool = False, pause: float = 0
) -> AsyncIterator[int]:
    """A server that sends these very bytes, once the request is whole, or with `early` once its head is there; gives its port.

    With a pause, byte by byte.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            if early:
                await reader.readuntil(b"\r\n\r\n")
            else:
                await _read(reader)
            for piece in [answer[at : at + 1] for at in range(len(answer))] if pause else [answer]:
                writer.write(piece)
                await asyncio.sleep(pause)
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        server.abort_clients()
        await server.wait_closed()

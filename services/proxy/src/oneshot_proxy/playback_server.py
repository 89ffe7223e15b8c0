"""An upstream on loopback that plays cassettes: mitmproxy streams its answers, at their own pace or broken off, as it does any."""

import asyncio
import contextlib
import secrets
from http import HTTPStatus

from mitmproxy.http import Request

from oneshot_proxy.playback import Answer

_LEFT_SECONDS = 24 * 3600.0


class PlaybackServer:
    """Gives each answer once, to who names its ticket: nobody else on this machine can take one."""

    def __init__(self) -> None:
        self._waiting: dict[str, Answer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Serve on a free port. :raises OSError: none can be had."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Break off what is being played. Harmless before `start`."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def play(self, request: Request, answer: Answer) -> None:
        """Readdress a request to here, where this is its answer; its body stays behind."""
        assert self._server is not None
        ticket = secrets.token_urlsafe(32)
        self._waiting[ticket] = answer
        request.scheme = "http"
        request.host, request.port = self._server.sockets[0].getsockname()[:2]
        request.path = f"/{ticket}"
        for name in ("content-encoding", "transfer-encoding"):
            request.headers.pop(name, None)
        request.content = b""

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    answer = self._waiting.pop(head.split(b" ", 2)[1].decode("latin-1").removeprefix("/"), None)
                    if answer is None or not await _play(answer, reader, writer):
                        break
        finally:
            writer.transport.abort()


async def _play(answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Send an answer; whether the connection can be used again."""
    begun = asyncio.get_running_loop().time()
    if answer.status and answer.chunks:
        await asyncio.sleep(answer.chunks[0][0])
    if answer.status:
        lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}", "transfer-encoding: chunked"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1", "replace"))
    for moment, chunk in answer.chunks if answer.status else ():
        if (wait := begun + moment - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(wait)
        writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        await writer.drain()
    if answer.ends == "left":
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.read(1), _LEFT_SECONDS)  # it ends when mitmproxy closes, as its client left
    if answer.ends != "whole":
        writer.close()
        await writer.wait_closed()  # what was written arrives before the connection breaks
        return False
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Recorded"

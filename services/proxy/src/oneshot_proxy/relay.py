"""A unix socket that leads to the gateway, because mitmproxy serves TCP only. Bytes are piped, nothing is looked at."""

import asyncio
import contextlib
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from oneshot_shared.errors import BadInput, NotReady

_CHUNK = 64 * 1024
_MAX_PATH = 107
_BACKLOG = 128
_PAUSE_SECONDS = 0.1


class Relay:
    """Pipes connections from a unix socket to a TCP port.

    It accepts by hand: asyncio's own servers lose a connection that they are accepting while they are closed.
    """

    def __init__(self, path: Path, host: str, port: int) -> None:
        self._path = path
        self._target = (host, port)
        self._listener: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Serve. :raises BadInput: the path is too long, or not ours to use. NotReady: it cannot be bound."""
        if len(str(self._path).encode()) > _MAX_PATH:
            raise BadInput(f"socket path {self._path} is longer than {_MAX_PATH} bytes; choose a shorter one")
        if self._path.exists() and not stat.S_ISSOCK(self._path.stat().st_mode):
            raise BadInput(f"{self._path} is there and is no socket; choose another path")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.setblocking(False)
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.unlink(missing_ok=True)
            listener.bind(str(self._path))
            self._path.chmod(0o600)  # before it listens: nobody can connect until then
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            raise NotReady(f"cannot serve the gateway on {self._path} ({error}); choose another path") from None
        self._listener = listener
        self._listen(listener)

    async def stop(self) -> None:
        """Close every connection and remove the socket. Harmless where `start` failed: the path is not ours then."""
        if self._listener is None:
            return
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        self._listener = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    def _listen(self, listener: socket.socket) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, ConnectionError):  # the peer has left already
            return
        except OSError:  # out of file descriptors: it stays readable, so look away for a moment
            loop = asyncio.get_running_loop()
            loop.remove_reader(listener)
            loop.call_later(_PAUSE_SECONDS, self._listen, listener)
            return
        connection.setblocking(False)
        task = asyncio.get_running_loop().create_task(self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: connection.close())  # also where it is cancelled before it began

    async def _serve(self, connection: socket.socket) -> None:
        """Pipe both ways until one side ends: an agent that leaves must be seen by the gateway at once."""
        async with _streams(sock=connection) as (reader, writer):
            with contextlib.suppress(OSError):
                async with _streams(*self._target) as (there_reader, there_writer):
                    ways = [
                        asyncio.ensure_future(_pipe(reader, there_writer)),
                        asyncio.ensure_future(_pipe(there_reader, writer)),
                    ]
                    try:
                        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        for way in ways:
                            way.cancel()
                        await asyncio.gather(*ways, return_exceptions=True)


@contextlib.asynccontextmanager
async def _streams(*address: Any, **how: Any) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:  # noqa: ANN401
    reader, writer = await asyncio.open_connection(*address, **how)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()

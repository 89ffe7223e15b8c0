"""One command in a container: its output as it comes, and its exit code."""

import asyncio
import contextlib
import socket
import threading
from typing import Any

from docker.utils.socket import STDERR, frames_iter

from oneshot_orchestrator.backends.docker_engine import Engine
from oneshot_orchestrator.contract import Sink

_WINDOW = 64  # chunks of at most 32 kB between the reading thread and a sink
_DRAIN_SECONDS = 1.0
_POLL_SECONDS = 0.25
_STILL_RUNNING_SECONDS = 0.03


async def follow(engine: Engine, exec_id: str, out: Sink, err: Sink) -> int:
    """Start a created command and follow it to its end; returns its exit code. Cancelled, it only stops listening.

    What it left in the background may hold its outputs for as long as it likes. Whatever a sink raises ends this.
    """
    with _Delivery(out, err) as delivery:
        reading = asyncio.ensure_future(engine(delivery.read, engine.api, exec_id))
        ending = asyncio.ensure_future(_ended(engine, exec_id, reading))
        try:
            ends: list[asyncio.Future[Any]] = [ending, delivery.failed]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if ending.done():
                await asyncio.wait(
                    [reading, delivery.failed], timeout=_DRAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
            if delivery.failed.done():
                delivery.failed.result()
            return ending.result()
        finally:
            ending.cancel()
            reading.add_done_callback(lambda read: read.cancelled() or read.exception())


async def _ended(engine: Engine, exec_id: str, reading: "asyncio.Future[None]") -> int:
    """Wait for a command's end. Usually its stream ends with it; but it can close its outputs, or lend them to others."""
    while True:
        await asyncio.wait([reading], timeout=_POLL_SECONDS)
        if reading.done():
            reading.result()
        state = await engine(engine.api.exec_inspect, exec_id)
        if state["ExitCode"] is not None and not state["Running"]:
            return int(state["ExitCode"])
        if reading.done():
            await asyncio.sleep(_STILL_RUNNING_SECONDS)


class _Delivery:
    """Carries output from a thread to the sinks on the loop, never far ahead of them, until nobody listens any more."""

    def __init__(self, out: Sink, err: Sink) -> None:
        self._loop = asyncio.get_running_loop()
        self._out, self._err = out, err
        self._room = threading.Semaphore(_WINDOW)
        self._listening = True
        self._stream: Any = None
        self.failed: asyncio.Future[None] = self._loop.create_future()

    def __enter__(self) -> "_Delivery":
        return self

    def __exit__(self, *_: object) -> None:
        self._listening = False
        self._room.release()  # the thread waits here,
        connection = getattr(self._stream, "_sock", self._stream)  # under TLS the stream is the connection
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # or there

    def read(self, api: Any, exec_id: str) -> None:  # noqa: ANN401 -- docker-py has no types
        """Start the command and read its output to the end; runs on a thread."""
        stream = self._stream = api.exec_start(exec_id, socket=True)
        try:
            for kind, chunk in frames_iter(stream, tty=False):  # type: ignore[no-untyped-call]
                self._room.acquire()
                if not self._listening:
                    return
                self._loop.call_soon_threadsafe(self._deliver, self._err if kind == STDERR else self._out, chunk)
        except OSError:
            if self._listening:
                raise
        finally:  # docker-py leaves the connection to the garbage collector
            stream._response.close()

    def _deliver(self, sink: Sink, chunk: bytes) -> None:
        self._room.release()
        if not self._listening or self.failed.done():
            return
        try:
            sink(chunk)
        except Exception as error:  # noqa: BLE001 -- it is raised where the command is followed
            self.failed.set_exception(error)

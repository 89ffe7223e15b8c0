"""Serves the tools over HTTP beside gRPC, in the same loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import uvicorn

from oneshot_capture.capture import Capture
from oneshot_capture.http import app, guard
from oneshot_capture.http.packs import Packs
from oneshot_capture.settings import CaptureSettings
from oneshot_shared import logs
from oneshot_shared.errors import BadInput, NotReady

_AT_ONCE = 64
_STOP_SECONDS = 2
_MIB = 1024 * 1024


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the service's own."""
        yield


@asynccontextmanager
async def serving(settings: CaptureSettings, capture: Capture) -> AsyncIterator[tuple[str, Callable[[], str]]]:
    """Serve at `http_listen`; gives the URL, and what tells whether it is busy.

    :raises BadInput: no host and port. NotReady: it cannot be listened on.
    """
    listening = _bound(settings.http_listen)
    allowed = guard.security(settings.http_hosts)
    scratch = settings.data / "state" / "capture"
    packs = Packs(settings.data / "state" / "capture-packs", settings.pack_mb * _MIB)
    guarded = guard.Guard(app.make(capture, packs, scratch, allowed), settings.token(), allowed)
    server = _Server(
        uvicorn.Config(
            guarded,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            limit_concurrency=_AT_ONCE,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
    )
    served = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        host, port = listening.getsockname()[:2]
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        logs.get().info("serving HTTP", url=url)
        yield url, guarded.busy
    finally:
        server.should_exit = True
        await asyncio.wait([served])
        listening.close()


def _bound(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise BadInput(f"ONESHOT_CAPTURE_HTTP_LISTEN is {listen!r}; set it to host:port, for example 127.0.0.1:50055")
    host = host.strip("[]")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, int(port)), family=family)
    except OSError as error:
        raise NotReady(
            f"cannot listen on {listen} ({error.strerror}); stop what uses it, or set another address"
        ) from None

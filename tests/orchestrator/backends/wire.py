"""A unix socket before the engine's own, which answers chosen requests itself: with an error."""

import contextlib
import os
import socket
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

_BODY = b'{"message": "device or resource busy"}'
_ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


class Wire(socketserver.ThreadingUnixStreamServer):
    """Carries everything on, but for requests whose first line holds `failing`."""

    daemon_threads = True
    failing = b""
    engine = os.environ.get("DOCKER_HOST", "").removeprefix("unix://") or "/var/run/docker.sock"


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as engine, contextlib.suppress(OSError):
            engine.connect(Wire.engine)
            back = threading.Thread(target=_carry, args=(engine, self.request))
            back.start()
            while chunk := self.request.recv(65536):
                failing = self.server.failing  # type: ignore[attr-defined]
                if failing and failing in chunk.split(b"\r\n")[0]:
                    self.request.sendall(_ERROR % (len(_BODY), _BODY))
                else:
                    engine.sendall(chunk)
            engine.shutdown(socket.SHUT_WR)
            back.join()


def _carry(engine: socket.socket, client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := engine.recv(65536):
            client.sendall(chunk)
        client.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def tapped(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """Every client of the engine that is made within goes through the wire."""
    with tempfile.TemporaryDirectory(prefix="osb-") as folder, Wire(str(Path(folder) / "s"), _Handler) as wire:
        wire.block_on_close = False
        threading.Thread(target=wire.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{wire.server_address}")
        try:
            yield wire
        finally:
            monkeypatch.undo()
            wire.shutdown()

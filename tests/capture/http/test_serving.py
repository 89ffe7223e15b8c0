"""The HTTP side of the service's life."""

import asyncio
import socket
import time
from pathlib import Path

import pytest

from capture import harness
from capture.http import harness as http
from oneshot_capture.http.serving import serving
from oneshot_capture.settings import CaptureSettings
from oneshot_shared.errors import BadInput, NotReady


async def test_idle_connections_do_not_hold_it(tmp_path: Path) -> None:
    async with http.web(tmp_path) as web:
        host, port = web.url.removeprefix("http://").split(":")
        idle = [await asyncio.open_connection(host, int(port)) for _ in range(5)]
        idle[0][1].write(b"PUT /packs HTTP/1.1\r\n")
        async with web.session() as session:
            await session.list_tools()
            begun = time.monotonic()
            await web.http.aclose()
    assert time.monotonic() - begun < 8
    for _, writer in idle:
        writer.close()


@pytest.mark.parametrize("listen", ["50055", "host:", "h:port", "127.0.0.1:70000"])
async def test_no_place_to_listen(tmp_path: Path, listen: str) -> None:
    async with harness.house(tmp_path) as house:
        made = CaptureSettings(token_file=tmp_path / "t", data=house.data, http_listen=listen)
        with pytest.raises(BadInput, match=f"ONESHOT_CAPTURE_HTTP_LISTEN is '{listen}'; set it to host:port"):
            async with serving(made, house.capture):
                pass


async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    async with harness.house(tmp_path) as house:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            listen = f"127.0.0.1:{taken.getsockname()[1]}"
            made = CaptureSettings(token_file=tmp_path / "t", data=house.data, http_listen=listen)
            with pytest.raises(NotReady, match=f"cannot listen on {listen}"):
                async with serving(made, house.capture):
                    pass

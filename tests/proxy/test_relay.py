"""The unix socket in front of the gateway."""

import asyncio
import socket
from pathlib import Path

import pytest

from oneshot_proxy.relay import Relay
from oneshot_shared.errors import BadInput, NotReady


async def test_bytes_are_piped_until_one_side_ends(tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(9):
            writer.write(data.upper())
        ended.set()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    relay = Relay(tmp_path / "g" / "s", *server.sockets[0].getsockname())
    await relay.start()
    assert (tmp_path / "g").stat().st_mode & 0o777 == 0o700
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "g" / "s"))
    writer.write(b"hello, gateway")
    assert await reader.readexactly(14) == b"HELLO, GATEWAY"
    writer.transport.abort()
    await asyncio.wait_for(ended.wait(), 2)
    idle, other = await asyncio.open_unix_connection(str(tmp_path / "g" / "s"))
    await relay.stop()
    assert await idle.read() == b""
    other.close()
    assert list((tmp_path / "g").iterdir()) == []
    server.close()


async def test_a_closed_gateway_closes_the_connection(tmp_path: Path) -> None:
    relay = Relay(tmp_path / "s", "127.0.0.1", 9)
    await relay.start()
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
    assert await asyncio.wait_for(reader.read(), 2) == b""
    writer.close()
    await relay.stop()


async def test_a_stale_socket_is_replaced_and_a_file_is_not(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(tmp_path / "s"))
    relay = Relay(tmp_path / "s", "127.0.0.1", 9)
    await relay.start()
    await relay.stop()
    (tmp_path / "file").write_text("mine")
    relay = Relay(tmp_path / "file", "127.0.0.1", 9)
    with pytest.raises(BadInput, match="is no socket"):
        await relay.start()
    await relay.stop()
    assert (tmp_path / "file").read_text() == "mine"
    with pytest.raises(BadInput, match="longer than 107 bytes"):
        await Relay(tmp_path / ("x" * 200), "127.0.0.1", 9).start()
    with pytest.raises(NotReady, match="cannot serve the gateway"):
        await Relay(Path("/proc/s"), "127.0.0.1", 9).start()

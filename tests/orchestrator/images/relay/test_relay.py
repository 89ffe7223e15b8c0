"""The relay, as the program that its container runs."""

import asyncio
import importlib.util
import socket
import tempfile
from pathlib import Path
from types import ModuleType

import pytest

from oneshot_orchestrator.backends.docker_images import IMAGES
from orchestrator import harness


@pytest.fixture
def relay() -> ModuleType:
    spec = importlib.util.spec_from_file_location("relay", IMAGES / "relay" / "relay.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An upstream that answers once it has read everything."""
    writer.write((await reader.read()).upper())
    await writer.drain()
    writer.close()


async def ask(relay: ModuleType, upstream: str, words: bytes) -> bytes:
    async with await relay.start(upstream, 0) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        try:
            writer.write(words)
            writer.write_eof()
            return await asyncio.wait_for(reader.read(), 5)
        finally:
            writer.close()


async def test_it_leads_to_a_socket_or_a_port_and_passes_on_the_end_of_each_direction(relay: ModuleType) -> None:
    words = b"abc" * 100_000
    with tempfile.TemporaryDirectory(prefix="osb-") as folder:
        async with await asyncio.start_unix_server(shout, f"{folder}/s"):
            assert await ask(relay, f"unix:{folder}/s", words) == words.upper()
    async with await asyncio.start_server(shout, "127.0.0.1", 0) as server:
        assert await ask(relay, f"127.0.0.1:{server.sockets[0].getsockname()[1]}", b"abc") == b"ABC"


async def test_without_an_upstream_the_connection_ends(relay: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    assert await ask(relay, f"127.0.0.1:{await harness.refused_port()}", b"") == b""
    assert "no upstream:" in capfd.readouterr().out


async def test_a_side_that_breaks_off_ends_the_other(relay: ModuleType) -> None:
    gone = asyncio.Event()

    async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        gone.set()
        writer.close()

    async with await asyncio.start_server(upstream, "127.0.0.1", 0) as behind:
        leads_to = f"127.0.0.1:{behind.sockets[0].getsockname()[1]}"
        async with await relay.start(leads_to, 0) as server:
            _, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
            linger = b"\1\0\0\0\0\0\0\0"  # reset instead of a tidy end
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.write(b"x")
            await writer.drain()
            writer.transport.abort()
            await asyncio.wait_for(gone.wait(), 5)


def test_it_needs_nothing_but_python() -> None:
    names = {
        line.split()[1] for line in (IMAGES / "relay" / "relay.py").read_text().splitlines() if line[:6] == "import"
    }
    assert names == {"asyncio", "sys"}
    assert "ENTRYPOINT" in Path(IMAGES / "relay" / "Dockerfile").read_text()

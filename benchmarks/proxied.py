"""What the proxy benchmarks measure: our proxy, bare mitmproxy and no proxy at all, before one model API, each a process of its own."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2_grpc
from oneshot_shared import client
from oneshot_shared.errors import NotReady

MODEL = "gpt-5"
KEY = "sk-benchmark-0123456789abcdef"
_HERE, _BIN = Path(__file__).parent, Path(sys.executable).parent
_START_SECONDS = 30.0


@dataclass(frozen=True)
class Place:
    """Where requests are sent, and the tokens that they carry in turn."""

    name: str
    port: int
    tokens: tuple[str, ...] = (KEY,)
    pid: int = 0


@dataclass(frozen=True)
class Places:
    """The three, and the file with our proxy's log."""

    ours: Place
    bare: Place
    direct: Place
    log: Path

    def __iter__(self) -> Iterator[Place]:
        return iter((self.ours, self.bare, self.direct))


@asynccontextmanager
async def places(sessions: int = 1) -> AsyncIterator[Places]:
    """Start all; at the end nothing is left of them. `sessions`: how many are opened in our proxy.

    :raises NotReady: one of them does not start.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="osb-")))
        api = await stack.enter_async_context(_program(folder / "api.log", sys.executable, _HERE / "model_api.py"))
        port = int(await _said(api, folder / "api.log"))
        bare = await _bare(stack, folder, port)
        ours = await _ours(stack, folder, port, sessions)
        yield Places(ours, bare, Place("direct", port), folder / "proxy.log")


async def _bare(stack: AsyncExitStack, folder: Path, upstream: int) -> Place:
    """`mitmdump` as its users run it, quiet."""
    if not (_BIN / "mitmdump").exists():
        raise NotReady(f"there is no mitmdump in {_BIN}, and it is the floor; run this with the Python of `make bench`")
    port = _free_port()
    mode = f"reverse:http://127.0.0.1:{upstream}@127.0.0.1:{port}"
    options = ["--quiet", "--set", "stream_large_bodies=1", "--set", f"confdir={folder / 'bare'}", "--mode", mode]
    log = folder / "bare.log"
    process = await stack.enter_async_context(_program(log, _BIN / "mitmdump", *options))
    await _answers(port, process, log)
    return Place("bare", port, pid=process.pid)


async def _ours(stack: AsyncExitStack, folder: Path, upstream: int, sessions: int) -> Place:
    (folder / "token").write_text("caller-token")
    fixed = {
        "LISTEN": f"unix:{folder}/g",
        "TOKEN_FILE": f"{folder}/token",
        "DATA": f"{folder}/data",
        "LOG_LEVEL": "debug",
    }
    env = {key: value for key, value in os.environ.items() if not key.startswith("ONESHOT_")}
    env |= {f"ONESHOT_PROXY_{name}": value for name, value in (fixed | {"EXIT_ON_STDIN_EOF": "1"}).items()}
    log = folder / "proxy.log"
    process = await stack.enter_async_context(_program(log, _BIN / "oneshot-proxy", env=env))
    channel = await stack.enter_async_context(client.channel(f"unix:{folder}/g", "caller-token", _START_SECONDS))
    stub = proxy_pb2_grpc.ProxyServiceStub(channel)
    variables = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"http://127.0.0.1:{upstream}/v1"}
    await stub.PutKeys(pb.PutKeysRequest(variables=variables))
    opened = [
        await stub.OpenSession(pb.OpenSessionRequest(session_id=f"bench-{number}", model=MODEL, provider="openai"))
        for number in range(sessions)
    ]
    return Place("ours", opened[0].gateway_port, tuple(each.token for each in opened), process.pid)


@asynccontextmanager
async def _program(
    log: Path, *command: str | Path, env: dict[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program that leaves when its standard input ends, or else when it is told to."""
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *command,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # a terminal's Ctrl-C is ours to pass on
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.communicate()


async def _said(process: asyncio.subprocess.Process, log: Path) -> str:
    assert process.stdout
    if line := (await process.stdout.readline()).decode().strip():
        return line
    raise NotReady(f"the model API did not start: {log.read_text().strip()[-300:]}")


async def _answers(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    try:
        async with asyncio.timeout(_START_SECONDS):
            while process.returncode is None:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.1)
                else:
                    writer.close()
                    return
    except TimeoutError:
        pass
    raise NotReady(f"mitmdump did not start: {log.read_text().strip()[-300:] or 'it says nothing'}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])

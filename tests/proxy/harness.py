"""A real proxy in the test's own loop: real mitmproxy, real gRPC on a unix socket, and a plain HTTP client for the gateway."""

import asyncio
import base64
import contextlib
import gc
import json
import shutil
import ssl
import tempfile
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter(
        "ignore", DeprecationWarning
    )  # mitmproxy 12.2 calls old names of pyparsing while it is imported
    import mitmproxy.tools.dump  # noqa: F401

from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2_grpc
from oneshot_proxy.app import running
from oneshot_proxy.gateway import Gateway
from oneshot_proxy.settings import ProxySettings
from oneshot_shared import client, server

CANARY = "sk-canary-0123456789abcdef"
MODEL = "gpt-5"


@dataclass
class Reply:
    """What the gateway answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        return json.loads(self.body)["error"]


class Stream:
    """An answer whose body is read as it comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.status, self.headers = 0, dict[str, str]()

    async def head(self) -> None:
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.status = int(lines[0].split(" ")[1])
        self.headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:] if line)}

    async def chunk(self) -> bytes:
        size = int(await self.reader.readline(), 16)
        data = await self.reader.readexactly(size)
        await self.reader.readexactly(2)
        return data

    async def rest(self) -> bytes:
        if "content-length" in self.headers:
            return await self.reader.readexactly(int(self.headers["content-length"]))
        found = b""
        while chunk := await self.chunk():
            found += chunk
        return found

    def close(self) -> None:
        self.writer.transport.abort()


class Names:
    """The test's own name service: where a host is, as the proxy's connections look it up."""

    def __init__(self) -> None:
        self.ports: dict[str, int] = {}

    def server_connect(self, data: ServerConnectionHookData) -> None:
        assert data.server.address
        if port := self.ports.get(data.server.address[0]):
            data.server.address = ("127.0.0.1", port)


class Proxy:
    """A running proxy and its client."""

    def __init__(self, stub: Any, gateway: Gateway, data: Path, socket: Path) -> None:
        self.stub, self.port, self.data, self.socket = stub, gateway.port, data, socket
        self.forward_port = gateway.forward_port
        self.ca = data / "state" / "mitmproxy" / "mitmproxy-ca-cert.pem"
        self.names = Names()
        self._opened: list[Stream] = []
        gateway._master.addons.add(self.names)

    async def keys(self, base_url: str, key: str = CANARY) -> None:
        await self.stub.PutKeys(pb.PutKeysRequest(variables={"OPENAI_API_KEY": key, "OPENAI_BASE_URL": base_url}))

    async def open(
        self, session_id: str = "run-1", model: str = MODEL, limits: dict[str, Any] | None = None, **up: Any
    ) -> str:
        if isinstance(up.get("cassette"), bytes):
            up["cassette"] = pb.Cassette(name="demo", content=up["cassette"])
        up = up or {"provider": "openai"}
        request = pb.OpenSessionRequest(session_id=session_id, model=model, limits=pb.Limits(**(limits or {})), **up)
        response: pb.OpenSessionResponse = await self.stub.OpenSession(request)
        return response.token

    async def open_live(self, session_id: str = "live-1", limits: dict[str, Any] | None = None) -> str:
        request = pb.OpenSessionRequest(
            session_id=session_id, kind=pb.SESSION_KIND_LIVE, limits=pb.Limits(**(limits or {}))
        )
        response: pb.OpenSessionResponse = await self.stub.OpenSession(request)
        return response.token

    async def connect(self) -> "Stream":
        """A connection to the forward door; it is closed with the proxy, if not before."""
        found = Stream(*await asyncio.open_connection("127.0.0.1", self.forward_port))
        self._opened.append(found)
        return found

    async def tunnel(self, who: str, host: str, port: int, *, tls: str = "", ca: Path | None = None) -> "Stream":
        """A tunnel through the forward door; `who` is SESSION:TOKEN. With TLS to the name `tls`, as a client who trusts our CA."""
        found = await self.connect()
        lines = [f"CONNECT {host}:{port} HTTP/1.1", f"host: {host}:{port}"]
        lines += [f"proxy-authorization: Basic {base64.b64encode(who.encode()).decode()}"] if who else []
        found.writer.write("\r\n".join([*lines, "", ""]).encode())
        await found.head()
        if tls and found.status == 200:
            context = ssl.create_default_context(cafile=ca or self.ca)
            await found.writer.start_tls(context, server_hostname=tls)
        return found

    async def hang_up(self) -> None:
        """Close the connections to the forward door."""
        for each in self._opened:
            each.close()
        await asyncio.sleep(0)

    async def session(self, session_id: str = "run-1") -> pb.Session:
        return (await self.stub.GetSession(pb.GetSessionRequest(session_id=session_id))).session

    async def close(self, session_id: str = "run-1") -> pb.Session:
        return (await self.stub.CloseSession(pb.CloseSessionRequest(session_id=session_id))).session

    async def calls(self, session_id: str = "run-1") -> list[pb.Call]:
        found: list[pb.Call] = []
        async for message in self.stub.StreamCalls(pb.StreamCallsRequest(session_id=session_id)):
            if found and found[-1].seq == message.call.seq:
                found[-1].request += message.call.request
                found[-1].response += message.call.response
            else:
                found.append(message.call)
        return found

    async def recorded(self, count: int, session_id: str = "run-1") -> list[pb.Call]:
        """The calls, once there are as many: a client may see the end of an answer before the gateway does."""
        async with asyncio.timeout(20):
            while len(calls := await self.calls(session_id)) < count:  # noqa: ASYNC110 -- asked over gRPC
                await asyncio.sleep(0.01)
        return calls

    async def stream(
        self,
        token: str,
        body: object = None,
        *,
        path: str = "/v1/responses",
        method: str = "POST",
        headers: dict[str, str] | None = None,
        relay: bool = False,
        via: Stream | None = None,
    ) -> Stream:
        """Send a request, by a new connection to the gateway or in a tunnel; the answer's head is there, its body not yet."""
        if via is None:
            here = ("127.0.0.1", self.port)
            opened = asyncio.open_unix_connection(str(self.socket)) if relay else asyncio.open_connection(*here)
            via = Stream(*await opened)
        found = via
        content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        fixed = {"host": "gateway", "authorization": f"Bearer {token}", "content-length": str(len(content))}
        lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in (fixed | (headers or {})).items() if v)]
        found.writer.write("\r\n".join([*lines, "", ""]).encode() + content)
        await found.head()
        return found

    async def ask(self, token: str, body: object = None, **how: Any) -> Reply:
        """Send a request and read the whole answer. Without a body: the least that the pins let through."""
        found = await self.stream(token, {"model": MODEL, "input": "hi"} if body is None else body, **how)
        try:
            return Reply(found.status, found.headers, await found.rest())
        finally:
            if "via" not in how:
                found.close()


@contextlib.asynccontextmanager
async def proxy(data: Path, **settings: Any) -> AsyncIterator[Proxy]:
    """A proxy whose data lies in a folder of the test's; sockets lie in a short one."""
    sockets = Path(tempfile.mkdtemp(prefix="osb-"))
    try:
        token_file = sockets / "token"
        token_file.write_text("caller-token")
        made = ProxySettings(
            listen=f"unix:{sockets}/grpc",
            token_file=token_file,
            data=data,
            gateway_socket=str(sockets / "g" / "gateway"),
            **settings,
        )
        async with running(made) as app:
            grpc_server, address = await server.start("proxy", made, app.services, app.busy)
            try:
                async with client.channel(address, "caller-token") as channel:
                    stub = proxy_pb2_grpc.ProxyServiceStub(channel)
                    found = Proxy(stub, app.gateway, data, Path(made.gateway_socket))
                    yield found
                    await found.hang_up()
            finally:
                app.end_leases()
                await grpc_server.stop(1)
    finally:
        shutil.rmtree(sockets)
        with warnings.catch_warnings():  # see conftest.py: what is left goes here, and not in a later test
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


async def assert_nowhere(proxy: Proxy, *secrets: str) -> None:
    """No file below data/ holds any of these, nor do the records, which lie compressed, once they are read back."""
    sessions = (await proxy.stub.ListSessions(pb.ListSessionsRequest())).sessions
    calls = [call for session in sessions for call in await proxy.calls(session.session_id)]
    bodies = [body.decode(errors="replace") for call in calls for body in (call.request, call.response)]
    records = [*map(str, sessions), *map(str, calls), *bodies]
    files = [file for file in proxy.data.rglob("*") if file.is_file()]
    assert files
    for secret in secrets:
        assert len(secret) >= 8
        assert not [record for record in records if secret in record]
        assert not [file for file in files if secret.encode() in file.read_bytes()]

"""A proxy that stands on the wire and answers what the test says."""

import asyncio
import contextlib
import hashlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2_grpc
from oneshot_shared import client, server
from oneshot_shared.settings import ServiceSettings

ATIF, CASSETTE = pb.TRACE_FORMAT_ATIF, pb.TRACE_FORMAT_CASSETTE


@dataclass
class Scripted(proxy_pb2_grpc.ProxyServiceServicer):
    """Knows the session "live-1", and of it these documents. `asked`: what was asked of it. The end of the work is recorded with the
    call of the number `ended_at`, from 1 on."""

    documents: dict[int, bytes] = field(default_factory=dict)
    losses: list[str] = field(default_factory=list)
    damaged: bool = False
    silent: bool = False
    ended_at: int = 1
    asked: list[pb.ExportTraceRequest] = field(default_factory=list)

    async def GetSession(self, request: pb.GetSessionRequest, context: Any) -> pb.GetSessionResponse:  # noqa: N802
        if self.silent:
            await asyncio.sleep(60)
        if request.session_id != "live-1":
            raise FileNotFoundError(f"no session {request.session_id!r}")
        return pb.GetSessionResponse(session=pb.Session(session_id="live-1", open=True))

    async def ExportTrace(  # noqa: N802
        self, request: pb.ExportTraceRequest, context: Any
    ) -> AsyncIterator[pb.ExportTraceResponse]:
        self.asked.append(request)
        if request.format not in self.documents:
            raise ValueError("the slice holds no model call")
        document = self.documents[request.format]
        for at in range(0, len(document), 1000):
            yield pb.ExportTraceResponse(chunk=document[at : at + 1000])
        digest = hashlib.sha256(document + b"x" * self.damaged).hexdigest()
        yield pb.ExportTraceResponse(sha256=digest, losses=self.losses, ended=len(self.asked) >= self.ended_at)


@contextlib.asynccontextmanager
async def scripted(proxy: Scripted) -> AsyncIterator[Any]:
    """Serve it; gives a client's stub."""
    with tempfile.TemporaryDirectory(prefix="osp-") as short:
        (Path(short) / "token").write_text("t")
        settings = ServiceSettings(listen=f"unix:{short}/p", token_file=Path(short) / "token", data=Path(short))
        made = server.Service(proxy_pb2_grpc.add_ProxyServiceServicer_to_server, proxy, "oneshot.proxy.v1.ProxyService")
        running, address = await server.start("proxy", settings, [made])
        try:
            async with client.channel(address, "t") as channel:
                yield proxy_pb2_grpc.ProxyServiceStub(channel)
        finally:
            await running.stop(0)

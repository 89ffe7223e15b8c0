"""ProxyService: unpacks, calls the core, packs."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc

from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2_grpc
from oneshot_proxy import packing
from oneshot_proxy.exports import table
from oneshot_proxy.exports.contract import Losses
from oneshot_proxy.gateway import Gateway
from oneshot_proxy.leases import Leases
from oneshot_proxy.sessions import Sessions
from oneshot_shared import transfer
from oneshot_shared.errors import BadInput

_DEFAULT_LIST = 100
type _Context = grpc.aio.ServicerContext[Any, Any]


class ProxyServicer(proxy_pb2_grpc.ProxyServiceServicer):
    """The contract is in protos/oneshot/proxy/v1/proxy.proto."""

    def __init__(self, sessions: Sessions, leases: Leases, gateway: Gateway) -> None:
        self._sessions = sessions
        self._leases = leases
        self._gateway = gateway

    async def PutKeys(self, request: pb.PutKeysRequest, context: _Context) -> pb.PutKeysResponse:
        self._sessions.put_keys(request.variables)
        return pb.PutKeysResponse()

    async def OpenSession(self, request: pb.OpenSessionRequest, context: _Context) -> pb.OpenSessionResponse:
        session = await self._sessions.open(packing.spec(request), request.validate_only)
        if session.live and not request.validate_only:
            self._leases.expect(request.session_id)
        return pb.OpenSessionResponse(
            token="" if request.validate_only else session.token,
            gateway_port=self._gateway.port,
            gateway_socket=self._gateway.socket,
            price_known=session.price_known and not session.live,
            forward_port=self._gateway.forward_port,
            ca_certificate=self._gateway.ca_certificate,
        )

    async def CloseSession(self, request: pb.CloseSessionRequest, context: _Context) -> pb.CloseSessionResponse:
        agent_usage = packing.counted(request.agent_usage) if request.HasField("agent_usage") else None
        record = await self._sessions.close(request.session_id, agent_usage)
        return pb.CloseSessionResponse(session=packing.session(record))

    async def HoldSession(
        self, request: pb.HoldSessionRequest, context: _Context
    ) -> AsyncIterator[pb.HoldSessionResponse]:
        async with aclosing(self._leases.hold(request.session_id)) as records:
            async for record in records:
                yield pb.HoldSessionResponse(session=packing.session(record))

    async def GetSession(self, request: pb.GetSessionRequest, context: _Context) -> pb.GetSessionResponse:
        return pb.GetSessionResponse(session=packing.session(await self._sessions.get(request.session_id)))

    async def ListSessions(self, request: pb.ListSessionsRequest, context: _Context) -> pb.ListSessionsResponse:
        records = await self._sessions.newest(request.limit or _DEFAULT_LIST)
        return pb.ListSessionsResponse(sessions=[packing.session(record) for record in records])

    async def VerifySession(self, request: pb.VerifySessionRequest, context: _Context) -> pb.VerifySessionResponse:
        found = await self._sessions.verify(request.session_id)
        return pb.VerifySessionResponse(calls=found.calls, body_bytes=found.body_bytes, damaged=found.damaged)

    async def PruneSessions(self, request: pb.PruneSessionsRequest, context: _Context) -> pb.PruneSessionsResponse:
        age = request.older_than_seconds if request.HasField("older_than_seconds") else None
        if request.session_ids and age is not None:
            raise BadInput("sessions and an age are given, and an age is for all sessions; give only one of the two")
        gone = await self._sessions.prune(request.session_ids, age, request.dry_run)
        return pb.PruneSessionsResponse(session_ids=gone.session_ids, freed_bytes=gone.freed_bytes)

    async def StreamCalls(
        self, request: pb.StreamCallsRequest, context: _Context
    ) -> AsyncIterator[pb.StreamCallsResponse]:
        async for record in self._sessions.calls(request.session_id):
            yield pb.StreamCallsResponse(call=packing.call(record))
            longest = max(len(record.request), len(record.response))
            for start in range(packing.PIECE_BYTES, longest, packing.PIECE_BYTES):
                piece = slice(start, start + packing.PIECE_BYTES)
                more = pb.Call(seq=record.seq, request=record.request[piece], response=record.response[piece])
                yield pb.StreamCallsResponse(call=more)

    async def ExportTrace(
        self, request: pb.ExportTraceRequest, context: _Context
    ) -> AsyncIterator[pb.ExportTraceResponse]:
        losses = Losses()
        session = await self._sessions.get(request.session_id)
        part = packing.part(request.slice) if request.HasField("slice") else None
        document = table.export(request.format, session, lambda: self._sessions.calls(request.session_id), losses, part)
        async for chunk, checksum in transfer.summed(document):
            if checksum:
                yield pb.ExportTraceResponse(sha256=checksum, losses=losses.sentences, ended=losses.ended)
            else:
                yield pb.ExportTraceResponse(chunk=chunk)

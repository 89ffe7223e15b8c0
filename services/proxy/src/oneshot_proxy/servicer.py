"""ProxyService: unpacks, calls the core, packs."""

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import grpc

from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2_grpc
from oneshot_proxy.gateway import Gateway
from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_proxy.session import Limits, Spec
from oneshot_proxy.sessions import Sessions
from oneshot_proxy.usage import Usage
from oneshot_shared.errors import BadInput

_PIECE_BYTES = 1024 * 1024
_DEFAULT_LIST = 100
type _Context = grpc.aio.ServicerContext[Any, Any]


class ProxyServicer(proxy_pb2_grpc.ProxyServiceServicer):
    """The contract is in protos/oneshot/proxy/v1/proxy.proto."""

    def __init__(self, sessions: Sessions, gateway: Gateway) -> None:
        self._sessions = sessions
        self._gateway = gateway

    async def PutKeys(self, request: pb.PutKeysRequest, context: _Context) -> pb.PutKeysResponse:
        self._sessions.put_keys(request.variables)
        return pb.PutKeysResponse()

    async def OpenSession(self, request: pb.OpenSessionRequest, context: _Context) -> pb.OpenSessionResponse:
        session = await self._sessions.open(_spec(request), request.validate_only)
        return pb.OpenSessionResponse(
            token="" if request.validate_only else session.token,
            gateway_port=self._gateway.port,
            gateway_socket=self._gateway.socket,
            price_known=session.price_known,
        )

    async def CloseSession(self, request: pb.CloseSessionRequest, context: _Context) -> pb.CloseSessionResponse:
        return pb.CloseSessionResponse(session=_session(await self._sessions.close(request.session_id)))

    async def GetSession(self, request: pb.GetSessionRequest, context: _Context) -> pb.GetSessionResponse:
        return pb.GetSessionResponse(session=_session(await self._sessions.get(request.session_id)))

    async def ListSessions(self, request: pb.ListSessionsRequest, context: _Context) -> pb.ListSessionsResponse:
        records = await self._sessions.newest(request.limit or _DEFAULT_LIST)
        return pb.ListSessionsResponse(sessions=[_session(record) for record in records])

    async def StreamCalls(
        self, request: pb.StreamCallsRequest, context: _Context
    ) -> AsyncIterator[pb.StreamCallsResponse]:
        async for record in self._sessions.calls(request.session_id):
            yield pb.StreamCallsResponse(call=_call(record))
            longest = max(len(record.request), len(record.response))
            for start in range(_PIECE_BYTES, longest, _PIECE_BYTES):
                piece = slice(start, start + _PIECE_BYTES)
                more = pb.Call(seq=record.seq, request=record.request[piece], response=record.response[piece])
                yield pb.StreamCallsResponse(call=more)


def _spec(request: pb.OpenSessionRequest) -> Spec:
    if request.WhichOneof("upstream") is None:
        raise BadInput("the session has no upstream; set a provider or a cassette")
    tape = (request.cassette.name, request.cassette.content) if request.HasField("cassette") else None
    limits = Limits(request.limits.wall_seconds, request.limits.tokens, request.limits.cost_usd)
    return Spec(request.session_id, request.model, request.provider, tape, limits)


def _session(record: SessionRecord) -> pb.Session:
    opened = dt.datetime.fromtimestamp(record.opened_at, dt.UTC)
    return pb.Session(
        session_id=record.session_id,
        model=record.model,
        upstream=record.upstream,
        open=record.is_open(dt.datetime.now(dt.UTC).timestamp()),
        calls=record.calls,
        calls_succeeded=record.calls_succeeded,
        usage=_usage(record.usage),
        stopped_by=record.stopped_by,
        upstream_failure=record.upstream_failure,
        opened_at=opened.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    )


def _call(record: CallRecord) -> pb.Call:
    return pb.Call(
        seq=record.seq,
        request_line=record.request_line,
        request=record.request[:_PIECE_BYTES],
        status=record.status,
        content_type=record.content_type,
        response=record.response[:_PIECE_BYTES],
        started_at=record.started_at,
        first_byte_seconds=record.first_byte_seconds,
        seconds=record.seconds,
        usage=_usage(record.usage),
        error=record.error,
    )


def _usage(usage: Usage) -> pb.Usage:
    return pb.Usage(
        input_tokens=usage.input_tokens,
        cached_tokens=usage.cached_tokens,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cost_usd=usage.cost_usd,
    )

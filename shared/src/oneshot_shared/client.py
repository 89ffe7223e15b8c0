"""Client side of every call: token, deadline, retry of UNAVAILABLE, exceptions instead of status."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc

from oneshot_shared import errors

TOKEN_KEY = "oneshot-token"  # noqa: S105 -- the metadata key, not a token
DEADLINE_SECONDS = 60.0
CHUNK_BYTES = 256 * 1024

_RETRY = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
CHANNEL_OPTIONS: list[tuple[str, Any]] = [
    ("grpc.service_config", json.dumps(_RETRY)),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.max_send_message_length", 16 * 1024 * 1024),
    ("grpc.enable_http_proxy", 0),
]


class _Interceptor:
    def __init__(self, token: str) -> None:
        self._token = token

    def _details(self, details: grpc.aio.ClientCallDetails, deadline: float | None) -> grpc.aio.ClientCallDetails:
        metadata = grpc.aio.Metadata(*(details.metadata or ()))
        metadata.add(TOKEN_KEY, self._token)
        timeout = details.timeout if details.timeout is not None else deadline
        return grpc.aio.ClientCallDetails(
            details.method, timeout, metadata, details.credentials, details.wait_for_ready
        )


class _UnaryUnary(_Interceptor, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Callable[..., Any], details: Any, request: object) -> Any:  # noqa: ANN401
        try:
            return await (await continuation(self._details(details, DEADLINE_SECONDS), request))
        except grpc.aio.AioRpcError as error:
            raise errors.from_status(error.code(), error.details() or "") from None


class _StreamUnary(_Interceptor, grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(self, continuation: Callable[..., Any], details: Any, requests: object) -> Any:  # noqa: ANN401
        try:
            return await (await continuation(self._details(details, None), requests))
        except grpc.aio.AioRpcError as error:
            raise errors.from_status(error.code(), error.details() or "") from None


class _UnaryStream(_Interceptor, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Callable[..., Any], details: Any, request: object) -> Any:  # noqa: ANN401
        call = await continuation(self._details(details, None), request)

        async def responses() -> AsyncIterator[object]:
            try:
                async for response in call:
                    yield response
            except grpc.aio.AioRpcError as error:
                raise errors.from_status(error.code(), error.details() or "") from None
            except asyncio.CancelledError:
                call.cancel()
                raise

        return responses()


def channel(address: str, token: str) -> grpc.aio.Channel:
    """A channel to a service at host:port or unix:/path; close it, or use it in `async with`."""
    kinds = (_UnaryUnary, _StreamUnary, _UnaryStream)
    return grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS, interceptors=[kind(token) for kind in kinds])

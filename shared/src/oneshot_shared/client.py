"""Client side of every call: token, deadline, retry of UNAVAILABLE, exceptions instead of status."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Self

import grpc

from oneshot_shared import errors

TOKEN_KEY = "oneshot-token"  # noqa: S105 -- the metadata key, not a token
DEADLINE_SECONDS = 60.0
CHUNK_BYTES = 256 * 1024
_PAUSE_SECONDS = 0.5

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
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),  # a service that was restarted is found again at once
]


class Channel:
    """A gRPC channel as the generated stubs use one. grpc.aio's own interceptors cannot replace the error of a stream."""

    def __init__(self, address: str, token: str, patience: float) -> None:
        self._patience = patience
        self._channel = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        self._metadata = ((TOKEN_KEY, token),)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()

    def unary_unary(self, *arguments: Any, **options: Any) -> Callable[..., Awaitable[Any]]:  # noqa: ANN401
        """One request, one response, within a deadline."""
        return self._awaited(self._channel.unary_unary(*arguments, **options), DEADLINE_SECONDS, self._patience)

    def stream_unary(self, *arguments: Any, **options: Any) -> Callable[..., Awaitable[Any]]:  # noqa: ANN401
        """A stream of requests, one response; a large one takes its time."""
        return self._awaited(self._channel.stream_unary(*arguments, **options), None, 0)

    def _awaited(
        self, call: Callable[..., Any], deadline: float | None, patience: float
    ) -> Callable[..., Awaitable[Any]]:
        async def invoke(request: object, timeout: float | None = deadline) -> Any:  # noqa: ANN401
            until = time.monotonic() + patience
            while True:
                try:
                    return await call(request, metadata=self._metadata, timeout=timeout)
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.UNAVAILABLE or time.monotonic() >= until:
                        raise errors.from_status(error.code(), error.details() or "") from None
                await asyncio.sleep(_PAUSE_SECONDS)

        return invoke

    def unary_stream(self, *arguments: Any, **options: Any) -> Callable[..., AsyncIterator[Any]]:  # noqa: ANN401
        """One request, a stream of responses; leaving the loop early cancels the call."""
        call = self._channel.unary_stream(*arguments, **options)

        async def invoke(request: object, timeout: float | None = None) -> AsyncIterator[Any]:
            responses = call(request, metadata=self._metadata, timeout=timeout)
            try:
                async for response in responses:
                    yield response
            except grpc.aio.AioRpcError as error:
                raise errors.from_status(error.code(), error.details() or "") from None
            finally:
                responses.cancel()

        return invoke


def channel(address: str, token: str, patience: float = 0) -> Any:  # noqa: ANN401 -- generated stubs want a grpc.aio.Channel by type
    """A channel to a service at host:port or unix:/path, to be used in `async with`.

    `patience`: seconds for which a call with one request and one answer is made again while nobody answers. Every such call
    of our contracts may be repeated.
    """
    return Channel(address, token, patience)

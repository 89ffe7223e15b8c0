"""Server side of every service: health, reflection, token, error table, graceful stop."""

import asyncio
import hmac
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection

from oneshot.info.v1 import info_pb2, info_pb2_grpc
from oneshot_shared import errors, logs, version
from oneshot_shared.activity import Activity
from oneshot_shared.client import CHANNEL_OPTIONS, TOKEN_KEY
from oneshot_shared.settings import ServiceSettings

_OPEN_TO_ALL = ("/grpc.health.", "/grpc.reflection.")  # health checks carry no token; reflection shows no data
_NO_ACTIVITY = "/oneshot.info."
GRACE_SECONDS = 5.0
type _Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True)
class Service:
    """A servicer, the generated function that adds it to a server, and its full name."""

    add: Callable[[Any, grpc.aio.Server], None]
    servicer: object
    name: str


class _Guard(grpc.aio.ServerInterceptor):
    """Checks the token, counts activity, and turns exceptions into status by the one table."""

    def __init__(self, token: str, activity: Activity) -> None:
        self._token = token.encode()
        self._activity = activity

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:  # noqa: ANN401 -- the handler type is private to grpc
        handler = await continuation(handler_call_details)
        method = str(handler_call_details.method)
        if handler is None or method.startswith(_OPEN_TO_ALL):
            return handler
        given = dict(handler_call_details.invocation_metadata or ()).get(TOKEN_KEY, "")
        allowed = hmac.compare_digest(str(given).encode(), self._token)
        counted = nullcontext() if method.startswith(_NO_ACTIVITY) else self._activity.call()
        wrap, make = _shape(handler)
        return make(
            wrap(self, method, allowed, counted, _behaviour(handler)),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    async def fail(self, method: str, error: Exception, context: _Context) -> None:
        """End the call with the status that belongs to the exception."""
        code = errors.to_status(error)
        if code is None:
            logs.get().error("call failed", method=method, exc_info=error)
            code = grpc.StatusCode.INTERNAL
        await context.abort(code, errors.sentence(error))

    def unary(self, method: str, allowed: bool, counted: AbstractContextManager[None], behaviour: Any) -> Any:  # noqa: ANN401
        """Wrap a method with one response."""

        async def call(request: object, context: _Context) -> object:
            await _demand(allowed, context)
            try:
                with counted:
                    return await behaviour(request, context)
            except Exception as error:  # the boundary: every exception becomes a status
                await self.fail(method, error, context)
                raise

        return call

    def stream(self, method: str, allowed: bool, counted: AbstractContextManager[None], behaviour: Any) -> Any:  # noqa: ANN401
        """Wrap a method with a stream of responses."""

        async def call(request: object, context: _Context) -> AsyncIterator[object]:
            await _demand(allowed, context)
            try:
                with counted:
                    async for response in behaviour(request, context):
                        yield response
            except Exception as error:  # noqa: BLE001 -- the boundary: every exception becomes a status
                await self.fail(method, error, context)

        return call


async def _demand(allowed: bool, context: _Context) -> None:
    if not allowed:
        await context.abort(
            grpc.StatusCode.UNAUTHENTICATED, "the call's token is missing or wrong; use the token file of this stack"
        )


def _shape(handler: Any) -> tuple[Any, Any]:  # noqa: ANN401
    one_way = {
        (False, False): (_Guard.unary, grpc.unary_unary_rpc_method_handler),
        (False, True): (_Guard.stream, grpc.unary_stream_rpc_method_handler),
        (True, False): (_Guard.unary, grpc.stream_unary_rpc_method_handler),
        (True, True): (_Guard.stream, grpc.stream_stream_rpc_method_handler),
    }
    return one_way[handler.request_streaming, handler.response_streaming]


def _behaviour(handler: Any) -> Any:  # noqa: ANN401
    return handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream


class _Info(info_pb2_grpc.InfoServiceServicer):
    def __init__(self, name: str, activity: Activity) -> None:
        self._name = name
        self._activity = activity

    async def GetInfo(
        self,
        request: info_pb2.GetInfoRequest,
        context: _Context,
    ) -> info_pb2.GetInfoResponse:
        return info_pb2.GetInfoResponse(
            service=self._name,
            build=version.build(),
            pid=os.getpid(),
            idle_seconds=self._activity.idle_seconds(),
            busy=self._activity.busy(),
        )


async def start(
    name: str, settings: ServiceSettings, services: list[Service], busy: Callable[[], str] = lambda: ""
) -> tuple[grpc.aio.Server, str]:
    """Start serving; returns the server and the address it is bound to.

    :raises NotReady: when the address cannot be bound.
    """
    activity = Activity(busy)
    server = grpc.aio.server(interceptors=[_Guard(settings.token(), activity)], options=CHANNEL_OPTIONS)
    for service in services:
        service.add(service.servicer, server)
    info_pb2_grpc.add_InfoServiceServicer_to_server(_Info(name, activity), server)
    health = health_aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    names = [service.name for service in services]
    reflection.enable_server_reflection([*names, "oneshot.info.v1.InfoService", reflection.SERVICE_NAME], server)
    try:
        port = server.add_insecure_port(settings.listen)
    except RuntimeError as error:
        raise errors.NotReady(
            f"cannot listen on {settings.listen} ({error}); stop what uses it, or set another address"
        ) from None
    await server.start()
    for each in ["", *names]:
        await health.set(each, health_pb2.HealthCheckResponse.SERVING)
    address = settings.listen if settings.listen.startswith("unix:") else f"{settings.listen.rsplit(':', 1)[0]}:{port}"
    logs.get().info("serving", address=address, build=version.build())
    return server, address


def _told_to_stop(settings: ServiceSettings) -> asyncio.Event:
    """Set at SIGTERM, SIGINT, or the end of standard input where the settings say so."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    if settings.exit_on_stdin_eof:
        loop.add_reader(sys.stdin.fileno(), _read_on, told)
    return told


def _read_on(told: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        told.set()


async def run(
    name: str,
    settings: ServiceSettings,
    services: list[Service],
    busy: Callable[[], str] = lambda: "",
    stop: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Serve until told to stop, then let open calls end, then release what the service holds."""
    logs.configure(name, settings.log_level)
    told = _told_to_stop(settings)
    server, _ = await start(name, settings, services, busy)
    try:
        await told.wait()
    finally:
        logs.get().info("stopping")
        if stop:
            await stop()
        await server.stop(GRACE_SECONDS)


def main(
    name: str,
    serve: Callable[[], Awaitable[None]],
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """A service program's entry: JSON logs, one sentence for bad settings, one line for a crash."""
    logs.configure(name)
    try:
        # asyncio.run wants a coroutine; every serve is an async def
        asyncio.run(serve(), loop_factory=loop_factory)  # type: ignore[arg-type]
    except (errors.BadInput, errors.NotReady) as error:
        logs.get().error(errors.sentence(error))
        raise SystemExit(2) from None
    except Exception as error:  # noqa: BLE001 -- the boundary: whoever started the service reads its last line
        logs.get().error(f"{type(error).__name__}: {errors.sentence(error)}", exc_info=error)
        raise SystemExit(1) from None

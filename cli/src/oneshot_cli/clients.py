"""Stubs of the four services: the embedded stack's, or those of another one (`--endpoint`, ONESHOT_ENDPOINT)."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from oneshot.capture.v1 import capture_pb2_grpc
from oneshot.info.v1 import info_pb2, info_pb2_grpc
from oneshot.orchestrator.v1 import orchestrator_pb2_grpc
from oneshot.proxy.v1 import proxy_pb2, proxy_pb2_grpc
from oneshot_cli import composed
from oneshot_cli.stack import SERVICES, Stack
from oneshot_shared.client import channel
from oneshot_shared.errors import BadInput, NotReady, sentence
from oneshot_shared.providers import PROVIDERS

ORCHESTRATOR_PORT = 50053
PORTS = {"capture": 50051, "proxy": 50052}
SILENT = "does not answer"


async def put_keys(stack: Stack) -> None:
    """Hand the provider variables of this command's environment to the proxy.

    A provider's variables go together, so that a key never meets the address from another shell; a provider of which none
    is set here keeps what it has, for runs that another shell has queued.
    """
    variables: dict[str, str] = {}
    for provider in PROVIDERS.values():
        mine = {name: os.environ.get(name, "") for name in (provider.base_url_variable, provider.key_variable)}
        variables |= mine if any(mine.values()) else {}
    async with channel(stack.address("proxy"), stack.token) as opened:
        stub = proxy_pb2_grpc.ProxyServiceStub(opened)
        await stub.PutKeys(proxy_pb2.PutKeysRequest(variables=variables), timeout=20)


async def forward_port(stack: Stack) -> int:
    """The TCP port on which the stack records people's own agents."""
    asked = proxy_pb2.OpenSessionRequest(session_id="ask", kind=proxy_pb2.SESSION_KIND_LIVE, validate_only=True)
    async with channel(stack.address("proxy"), stack.token) as opened:
        answer = await proxy_pb2_grpc.ProxyServiceStub(opened).OpenSession(asked, timeout=20)
    return int(answer.forward_port)


async def infos(stack: Stack, token: str = "") -> list[info_pb2.GetInfoResponse]:
    """What every service of the embedded stack says about itself. One that says nothing is busy: it is SILENT."""
    token = token or stack.token

    async def info(service: str) -> info_pb2.GetInfoResponse:
        try:
            async with channel(stack.address(service), token) as opened:
                stub = info_pb2_grpc.InfoServiceStub(opened)
                said: info_pb2.GetInfoResponse = await stub.GetInfo(info_pb2.GetInfoRequest(), timeout=5)
                return said
        except OSError:  # no connection, no answer in time, or the token file is not the stack's any more
            return info_pb2.GetInfoResponse(service=service, busy=SILENT)

    return await asyncio.gather(*map(info, SERVICES))


async def busy(stack: Stack) -> str:
    """What keeps the stack busy, in a few words; empty when nothing does."""
    words = [f"{info.service} {SILENT}" if info.busy == SILENT else info.busy for info in await infos(stack)]
    return ", ".join(filter(None, words))


@asynccontextmanager
async def orchestrator(
    endpoint: str = "",
    *,
    any_build: bool = False,
) -> AsyncIterator["orchestrator_pb2_grpc.OrchestratorServiceAsyncStub"]:
    """The orchestrator: at an endpoint where one is given, else of the embedded stack, which is started.

    `any_build`: for commands that only look or cancel, so that an edited checkout does not lock its own runs away.

    :raises NotReady: no stack can be started or reached.
    """
    from oneshot_cli.lifecycle import joined

    endpoint = endpoint or os.environ.get("ONESHOT_ENDPOINT", "")
    if endpoint:
        address, token = _remote(endpoint)
    else:
        stack = Stack.here()
        await joined(stack, any_build=any_build)
        address, token = stack.address("orchestrator"), stack.token
    async with channel(address, token) as opened:
        if endpoint:
            await _reached(opened, endpoint)
        yield orchestrator_pb2_grpc.OrchestratorServiceStub(opened)


@asynccontextmanager
async def proxy(endpoint: str = "") -> AsyncIterator["proxy_pb2_grpc.ProxyServiceAsyncStub"]:
    """The proxy beside the orchestrator at an endpoint, else of the embedded stack, which is started.

    :raises NotReady: no stack can be started or reached.
    """
    async with _beside("proxy", endpoint) as opened:
        yield proxy_pb2_grpc.ProxyServiceStub(opened)


@asynccontextmanager
async def capture(endpoint: str = "") -> AsyncIterator["capture_pb2_grpc.CaptureServiceAsyncStub"]:
    """The capture service beside the orchestrator at an endpoint, else of the embedded stack, which is started.

    :raises NotReady: no stack can be started or reached.
    """
    async with _beside("capture", endpoint) as opened:
        yield capture_pb2_grpc.CaptureServiceStub(opened)


@asynccontextmanager
async def _beside(service: str, endpoint: str) -> AsyncIterator[Any]:
    from oneshot_cli.lifecycle import joined

    endpoint = endpoint or os.environ.get("ONESHOT_ENDPOINT", "")
    if endpoint:
        address, token = remote(service, endpoint)
        variable = f"ONESHOT_PORT_{service.upper()}"
        endpoint = f"{address}, where the {service} of {endpoint} would be ({variable} sets its port)"
    else:
        stack = Stack.here()
        await joined(stack, any_build=True)
        address, token = stack.address(service), stack.token
    async with channel(address, token) as opened:
        if endpoint:
            await _reached(opened, endpoint)
        yield opened


async def remote_info(endpoint: str, timeout: float) -> info_pb2.GetInfoResponse:
    """What the orchestrator at an endpoint says about itself. :raises NotReady: none answers."""
    address, token = _remote(endpoint)
    async with channel(address, token) as opened:
        return await _reached(opened, endpoint, timeout)


def remote(service: str, endpoint: str) -> tuple[str, str]:
    """Address and token of a service beside the orchestrator at an endpoint. :raises BadInput, NotReady: as there."""
    address, token = _remote(endpoint)
    port = os.environ.get(f"ONESHOT_PORT_{service.upper()}", "")
    return f"{address.partition(':')[0]}:{port or PORTS[service]}", token


async def _reached(opened: Any, endpoint: str, timeout: float = 10) -> info_pb2.GetInfoResponse:  # noqa: ANN401 -- a channel
    try:
        return await info_pb2_grpc.InfoServiceStub(opened).GetInfo(info_pb2.GetInfoRequest(), timeout=timeout)  # type: ignore[no-any-return]
    except (ConnectionError, TimeoutError):
        raise NotReady(f"no stack answers at {endpoint}; start one there, or name another") from None
    except RuntimeError as error:
        raise NotReady(f"what answers at {endpoint} is no stack of ours ({sentence(error)}); name another") from None


def _remote(endpoint: str) -> tuple[str, str]:
    host, _, port = endpoint.partition(":")
    if not host or (port and not (port.isdecimal() and 0 < int(port) < 65536)):
        raise BadInput(
            f"the endpoint {endpoint!r} is no host or host:port; give for example 127.0.0.1:{ORCHESTRATOR_PORT}"
        )
    address = f"{host}:{port or ORCHESTRATOR_PORT}"
    if file := os.environ.get("ONESHOT_TOKEN_FILE", ""):
        return address, _read(Path(file))
    if host in composed.LOOPBACK and (token := composed.token(int(port or ORCHESTRATOR_PORT))):
        return address, token
    raise NotReady(
        f"no token for the stack at {endpoint}: start it with `docker compose up -d --wait`, or set ONESHOT_TOKEN_FILE to "
        "the file that holds its token"
    )


def _read(file: Path) -> str:
    try:
        return file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotReady(
            f"ONESHOT_TOKEN_FILE cannot be read ({sentence(error)}); set it to the stack's token file"
        ) from None

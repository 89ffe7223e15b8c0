"""oneshot trace: what the proxy recorded."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import typer

from oneshot_cli import ending

if TYPE_CHECKING:
    from oneshot.proxy.v1.proxy_pb2_grpc import ProxyServiceAsyncStub

app = typer.Typer(help="Traces: what the proxy recorded of each session.", no_args_is_help=True)
ENDPOINT = typer.Option("", "--endpoint", help="Another stack's host[:port]. (or ONESHOT_ENDPOINT)")
JSON = typer.Option(False, "--json", help="Print JSON.")


def with_stub(endpoint: str, work: "Callable[[ProxyServiceAsyncStub], Awaitable[int]]") -> None:
    """Run a command's work with the proxy's stub; its result is the exit code."""

    async def connected() -> int:
        from oneshot_cli import clients

        async with clients.proxy(endpoint) as stub:
            return await work(stub)

    ending.start(connected())

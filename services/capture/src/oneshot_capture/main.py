"""The program `oneshot-capture`."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from oneshot.capture.v1 import capture_pb2_grpc
from oneshot.proxy.v1 import proxy_pb2_grpc
from oneshot_capture.capture import Capture
from oneshot_capture.servicer import CaptureServicer
from oneshot_capture.settings import CaptureSettings
from oneshot_shared import server, settings
from oneshot_shared.client import channel

_NAME = "capture"


def service(capture: Capture) -> server.Service:
    """The service that the program serves."""
    return server.Service(
        capture_pb2_grpc.add_CaptureServiceServicer_to_server,
        CaptureServicer(capture),
        "oneshot.capture.v1.CaptureService",
    )


async def serve() -> None:
    """Serve until told to stop."""
    loaded = settings.load(CaptureSettings)
    async with AsyncExitStack() as stack:
        proxy = None
        if loaded.proxy:
            proxy = proxy_pb2_grpc.ProxyServiceStub(
                await stack.enter_async_context(channel(loaded.proxy, loaded.token()))
            )
        capture = Capture(loaded, proxy)
        stack.callback(capture.close)
        asked = await _http(stack, loaded, capture) if loaded.http_listen else str
        await server.run(_NAME, loaded, [service(capture)], busy=lambda: capture.busy() or asked(), stop=capture.finish)


async def _http(stack: AsyncExitStack, loaded: CaptureSettings, capture: Capture) -> Callable[[], str]:
    """Serve over HTTP too; returns what tells whether that is busy."""
    from oneshot_capture.http.serving import serving  # which takes a second, and memory

    _, busy = await stack.enter_async_context(serving(loaded, capture))
    return busy


def main() -> None:
    """Entry point."""
    server.main(_NAME, serve)


if __name__ == "__main__":
    main()

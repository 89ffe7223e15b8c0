"""The program `oneshot-capture`."""

from oneshot.capture.v1 import capture_pb2_grpc
from oneshot_capture.capture import Capture
from oneshot_capture.servicer import CaptureServicer
from oneshot_capture.settings import CaptureSettings
from oneshot_shared import server, settings

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
    capture = Capture(loaded)
    try:
        await server.run(_NAME, loaded, [service(capture)], busy=capture.busy, stop=capture.finish)
    finally:
        capture.close()


def main() -> None:
    """Entry point."""
    server.main(_NAME, serve)


if __name__ == "__main__":
    main()

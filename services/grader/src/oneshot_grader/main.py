"""The program `oneshot-grader`."""

from oneshot.grader.v1 import grader_pb2_grpc
from oneshot_grader.servicer import GraderServicer
from oneshot_grader.settings import GraderSettings
from oneshot_shared import logs, server, settings

_NAME = "grader"
SERVICE = server.Service(
    grader_pb2_grpc.add_GraderServiceServicer_to_server, GraderServicer(), "oneshot.grader.v1.GraderService"
)


async def serve() -> None:
    """Serve until told to stop."""
    loaded = settings.load(GraderSettings)
    logs.configure(_NAME, loaded.log_level)
    await server.run(_NAME, loaded, [SERVICE])


def main() -> None:
    """Entry point."""
    server.main(_NAME, serve)


if __name__ == "__main__":
    main()

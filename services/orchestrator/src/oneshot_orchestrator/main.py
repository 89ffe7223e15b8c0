"""The orchestrator as a program."""

from oneshot.grader.v1 import grader_pb2_grpc
from oneshot.orchestrator.v1 import orchestrator_pb2_grpc
from oneshot.proxy.v1 import proxy_pb2_grpc
from oneshot_orchestrator.pipeline import Services
from oneshot_orchestrator.scheduler import Scheduler
from oneshot_orchestrator.servicer import OrchestratorServicer
from oneshot_orchestrator.settings import OrchestratorSettings
from oneshot_shared import server, settings
from oneshot_shared.client import channel

_PATIENCE = 45.0  # seconds in which a service that fell is started again, by the supervisor or by Docker


async def serve() -> None:
    """Serve until told to stop."""
    mine = settings.load(OrchestratorSettings)
    token = mine.token()
    async with channel(mine.proxy, token, _PATIENCE) as proxy, channel(mine.grader, token, _PATIENCE) as grader:
        services = Services(proxy_pb2_grpc.ProxyServiceStub(proxy), grader_pb2_grpc.GraderServiceStub(grader))
        scheduler = Scheduler(mine, services)
        await scheduler.start()
        service = server.Service(
            orchestrator_pb2_grpc.add_OrchestratorServiceServicer_to_server,
            OrchestratorServicer(scheduler),
            "oneshot.orchestrator.v1.OrchestratorService",
        )
        await server.run("orchestrator", mine, [service], busy=scheduler.busy, stop=scheduler.close)


def main() -> None:
    """Entry point."""
    server.main("orchestrator", serve)


if __name__ == "__main__":
    main()

"""A container's health check against the real server."""

import asyncio
import sys

from grpc_health.v1 import health_pb2, health_pb2_grpc

from oneshot_shared import health
from shared.harness import house


async def _check(address: str) -> tuple[int | None, str]:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "oneshot_shared.health", address, stderr=asyncio.subprocess.PIPE
    )
    _, err = await program.communicate()
    return program.returncode, err.decode().strip()


async def test_a_service_that_serves() -> None:
    async with house() as h:
        assert await _check(h.address) == (0, "")


async def test_nobody_there() -> None:
    assert await _check("unix:/tmp/oneshot-nobody-is-here") == (
        1,
        "unix:/tmp/oneshot-nobody-is-here does not answer: UNAVAILABLE",
    )


class _Stopping(health_pb2_grpc.HealthServicer):
    async def Check(self, request: object, context: object) -> health_pb2.HealthCheckResponse:  # noqa: N802
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.NOT_SERVING)


async def test_a_service_that_does_not_serve() -> None:
    import grpc

    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(_Stopping(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        assert await asyncio.to_thread(health.problem, f"127.0.0.1:{port}") == f"127.0.0.1:{port} answers NOT_SERVING"
    finally:
        await server.stop(0)

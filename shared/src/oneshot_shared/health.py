"""A container's health check: `python -m oneshot_shared.health HOST:PORT` ends with 0 when the service there serves."""

import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from oneshot_shared.client import CHANNEL_OPTIONS

_SECONDS = 4.0


def problem(address: str) -> str:
    """Why the service at host:port or unix:/path does not serve; empty when it does."""
    with grpc.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=_SECONDS)
        except grpc.RpcError as error:
            return f"{address} does not answer: {error.code().name}"
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        return f"{address} answers {health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)}"
    return ""


if __name__ == "__main__":
    raise SystemExit(problem(sys.argv[1]) or 0)  # the empty string would be an error too

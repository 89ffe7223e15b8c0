"""The grader over gRPC."""

import asyncio
from typing import Any

import grpc

from oneshot.grader.v1 import grader_pb2, grader_pb2_grpc
from oneshot_grader.plan import plan
from oneshot_grader.score import score

type _Context = grpc.aio.ServicerContext[Any, Any]


class GraderServicer(grader_pb2_grpc.GraderServiceServicer):
    """Unpacks, asks the core, packs; a large report is read in a thread."""

    async def Plan(self, request: grader_pb2.PlanRequest, context: _Context) -> grader_pb2.PlanResponse:
        """See the contract."""
        return grader_pb2.PlanResponse(plan=plan(request.expected, request.seed, request.isolate))

    async def Score(self, request: grader_pb2.ScoreRequest, context: _Context) -> grader_pb2.ScoreResponse:
        """See the contract."""
        return await asyncio.to_thread(score, request)

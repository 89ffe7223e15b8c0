"""CaptureService over gRPC: unpacks, calls the core, packs."""

from collections.abc import AsyncIterator
from typing import Any

import grpc

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot.capture.v1 import capture_pb2_grpc
from oneshot_capture.capture import Capture

type _Context = grpc.aio.ServicerContext[Any, Any]
_DEFAULT_LIMIT, _MAX_LIMIT = 100, 1000


class CaptureServicer(capture_pb2_grpc.CaptureServiceServicer):
    """See protos/oneshot/capture/v1."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture

    async def StartTask(self, request: pb.StartTaskRequest, context: _Context) -> pb.StartTaskResponse:
        return pb.StartTaskResponse(task=self._capture.start(request))

    async def EndTask(
        self, request_iterator: AsyncIterator[pb.EndTaskRequest], context: _Context
    ) -> pb.EndTaskResponse:
        return pb.EndTaskResponse(task=await self._capture.end(aiter(request_iterator)))

    async def AbortTask(self, request: pb.AbortTaskRequest, context: _Context) -> pb.AbortTaskResponse:
        return pb.AbortTaskResponse(task=await self._capture.abort(request.task_id))

    async def GetTaskStatus(self, request: pb.GetTaskStatusRequest, context: _Context) -> pb.GetTaskStatusResponse:
        return pb.GetTaskStatusResponse(task=self._capture.get(request.task_id))

    async def ListTasks(self, request: pb.ListTasksRequest, context: _Context) -> pb.ListTasksResponse:
        limit = min(request.limit or _DEFAULT_LIMIT, _MAX_LIMIT)
        return pb.ListTasksResponse(tasks=self._capture.newest(limit))

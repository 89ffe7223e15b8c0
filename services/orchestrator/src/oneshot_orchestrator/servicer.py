"""OrchestratorService over gRPC: unpacks, calls the scheduler, packs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.orchestrator.v1 import orchestrator_pb2_grpc
from oneshot_orchestrator.journal import ended
from oneshot_orchestrator.scheduler import Scheduler
from oneshot_shared import archive
from oneshot_shared.errors import BadInput, NotReady

type _Context = grpc.aio.ServicerContext[Any, Any]
_DEFAULT_LIMIT = 100


class OrchestratorServicer(orchestrator_pb2_grpc.OrchestratorServiceServicer):
    """See protos/oneshot/orchestrator/v1."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    async def PutTask(
        self, request_iterator: AsyncIterator[pb.PutTaskRequest], context: _Context
    ) -> pb.PutTaskResponse:
        slug, file, size = "", archive.spool([]), 0
        with file:
            async for request in request_iterator:
                slug = slug or request.slug
                size += len(request.chunk)
                if size > archive.Caps().bytes:
                    raise BadInput(f"the task is larger than {archive.Caps().bytes} bytes, the allowed maximum")
                file.write(request.chunk)
            file.seek(0)
            return pb.PutTaskResponse(digest=await self._scheduler.tasks.put(slug, file))

    async def SubmitRun(self, request: pb.SubmitRunRequest, context: _Context) -> pb.SubmitRunResponse:
        return pb.SubmitRunResponse(run=await self._scheduler.submit(request))

    async def WatchRun(self, request: pb.WatchRunRequest, context: _Context) -> AsyncIterator[pb.WatchRunResponse]:
        async for update in self._scheduler.watch(request.run_id, request.after_seq):
            yield update

    async def GetRun(self, request: pb.GetRunRequest, context: _Context) -> pb.GetRunResponse:
        return pb.GetRunResponse(run=self._scheduler.get(request.run_id))

    async def ListRuns(self, request: pb.ListRunsRequest, context: _Context) -> pb.ListRunsResponse:
        return pb.ListRunsResponse(runs=self._scheduler.store.newest(request.limit or _DEFAULT_LIMIT))

    async def CancelRun(self, request: pb.CancelRunRequest, context: _Context) -> pb.CancelRunResponse:
        return pb.CancelRunResponse(run=await self._scheduler.cancel(request.run_id))

    async def FetchArtifacts(
        self, request: pb.FetchArtifactsRequest, context: _Context
    ) -> AsyncIterator[pb.FetchArtifactsResponse]:
        run = self._scheduler.get(request.run_id)
        if not ended(run):
            raise NotReady(f"run {run.run_id!r} has not ended; wait with `oneshot runs watch {run.run_id}`")
        chunks = archive.pack(self._scheduler.folder(run.run_id))
        while chunk := await asyncio.to_thread(next, chunks, None):
            yield pb.FetchArtifactsResponse(chunk=chunk)

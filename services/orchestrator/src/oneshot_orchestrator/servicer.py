"""OrchestratorService over gRPC: unpacks, calls the scheduler, packs."""

from collections.abc import AsyncIterator
from typing import Any

import grpc

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.orchestrator.v1 import orchestrator_pb2_grpc
from oneshot_orchestrator.journal import ended
from oneshot_orchestrator.scheduler import Scheduler
from oneshot_shared import archive
from oneshot_shared.errors import NotReady
from oneshot_shared.transfer import Incoming, outgoing

type _Context = grpc.aio.ServicerContext[Any, Any]
_DEFAULT_LIMIT = 100


class OrchestratorServicer(orchestrator_pb2_grpc.OrchestratorServiceServicer):
    """See protos/oneshot/orchestrator/v1."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    async def PutTask(
        self, request_iterator: AsyncIterator[pb.PutTaskRequest], context: _Context
    ) -> pb.PutTaskResponse:
        slug = ""
        with Incoming(archive.Caps().bytes) as incoming:
            async for request in request_iterator:
                slug = slug or request.slug
                incoming.take(request.chunk, request.sha256)
            return pb.PutTaskResponse(digest=await self._scheduler.tasks.put(slug, incoming.whole()))

    async def SubmitRun(self, request: pb.SubmitRunRequest, context: _Context) -> pb.SubmitRunResponse:
        run, reason = await self._scheduler.submit(request)
        return pb.SubmitRunResponse(run=run, backend_reason=reason)

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
        async for chunk, sha256 in outgoing(archive.pack(self._scheduler.folder(run.run_id))):
            yield pb.FetchArtifactsResponse(chunk=chunk, sha256=sha256)

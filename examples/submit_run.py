"""Submits a run to a stack, watches it, and fetches its results: all that a client of the orchestrator does."""
# usage: ONESHOT_TOKEN_FILE=token python examples/submit_run.py TASK_FOLDER AGENT [HOST:PORT, localhost:50053]

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from oneshot.grader.v1 import grader_pb2
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.orchestrator.v1 import orchestrator_pb2_grpc
from oneshot_shared import archive, client, transfer


async def pieces(folder: Path) -> AsyncIterator[pb.PutTaskRequest]:
    async for chunk, sha256 in transfer.outgoing(archive.pack(folder)):
        yield pb.PutTaskRequest(slug=folder.name, chunk=chunk, sha256=sha256)


async def main(folder: Path, agent: str, address: str = "localhost:50053") -> None:
    token = os.environ.get("ONESHOT_TOKEN_FILE") or sys.exit("set ONESHOT_TOKEN_FILE; guides/setup.md says how")
    async with client.channel(address, Path(token).read_text().strip()) as channel:
        stack = orchestrator_pb2_grpc.OrchestratorServiceStub(channel)
        digest = (await stack.PutTask(pieces(folder))).digest
        run_id = f"example-{secrets.token_hex(4)}"
        await stack.SubmitRun(pb.SubmitRunRequest(run_id=run_id, task_digest=digest, agent=pb.Agent(name=agent)))
        async for update in stack.WatchRun(pb.WatchRunRequest(run_id=run_id)):
            print(update.event.detail or pb.Step.Name(update.event.step or pb.STEP_RECORD))
        with transfer.Incoming(archive.Caps().bytes) as results:
            async for piece in stack.FetchArtifacts(pb.FetchArtifactsRequest(run_id=run_id)):
                results.take(piece.chunk, piece.sha256)
            archive.unpack(results.whole(), folder := Path("data/runs", run_id))
        print(grader_pb2.Verdict.Name(update.run.grade.verdict), update.run.grade.reason, "Files:", folder)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).resolve(), *sys.argv[2:]))

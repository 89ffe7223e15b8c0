"""OrchestratorService over gRPC."""

import hashlib
import re
import tarfile
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.orchestrator.v1 import orchestrator_pb2_grpc
from oneshot_shared import client
from oneshot_shared.errors import BadInput, NotReady
from orchestrator.harness import FAIL, Stack


async def test_a_task_goes_in_and_a_runs_folder_comes_out(stack: Stack, hello: Path) -> None:
    assert re.fullmatch("sha256:[0-9a-f]{64}", await stack.put(hello))
    await stack.run(hello)
    answers = [each async for each in stack.stub.FetchArtifacts(pb.FetchArtifactsRequest(run_id="run-1"))]
    chunks = [answer.chunk for answer in answers]
    assert answers[-1].sha256 == hashlib.sha256(b"".join(chunks)).hexdigest()
    with tarfile.open(fileobj=BytesIO(b"".join(chunks))) as tar:
        names = tar.getnames()
    assert {"run.json", "evaluation_results.json", "scoring_results.md", "artifacts/diff.patch"} <= set(names)
    found = (await stack.stub.GetRun(pb.GetRunRequest(run_id="run-1"))).run
    assert found.grade.verdict == FAIL
    assert [run.run_id for run in (await stack.stub.ListRuns(pb.ListRunsRequest())).runs] == ["run-1"]


async def test_a_task_without_a_name_or_of_no_use(stack: Stack, hello: Path) -> None:
    async def nothing() -> AsyncIterator[pb.PutTaskRequest]:
        return
        yield

    with pytest.raises(BadInput, match="the stream ended after 0 bytes without its checksum; send it again"):
        await stack.stub.PutTask(nothing())

    async def nameless() -> AsyncIterator[pb.PutTaskRequest]:
        yield pb.PutTaskRequest(sha256=hashlib.sha256().hexdigest())

    with pytest.raises(BadInput, match="the task's name '' is no slug"):
        await stack.stub.PutTask(nameless())
    (hello / "instruction.md").write_text(" \n")
    with pytest.raises(BadInput, match=r"hello/instruction\.md is empty"):
        await stack.put(hello)


async def test_unknown_runs(stack: Stack) -> None:
    with pytest.raises(FileNotFoundError, match="no run 'x'; `oneshot runs list` shows the runs there are"):
        await stack.stub.GetRun(pb.GetRunRequest(run_id="x"))
    with pytest.raises(FileNotFoundError, match="no run 'x'"):
        await stack.cancel("x")
    with pytest.raises(FileNotFoundError, match="no run 'x'"):
        await stack.end("x")
    with pytest.raises(FileNotFoundError, match="no run 'x'"):
        await anext(stack.stub.FetchArtifacts(pb.FetchArtifactsRequest(run_id="x")))


async def test_artifacts_of_a_run_that_has_not_ended(stack: Stack, hello: Path) -> None:
    await stack.submit(hello, "command", command="sleep 60")
    with pytest.raises(NotReady, match="run 'run-1' has not ended; wait with `oneshot runs watch run-1`"):
        await anext(stack.stub.FetchArtifacts(pb.FetchArtifactsRequest(run_id="run-1")))
    await stack.cancel()


async def test_watching_goes_on_after_an_event(stack: Stack, hello: Path) -> None:
    await stack.run(hello)
    last = stack.events["run-1"][-1].seq
    found = [u async for u in stack.stub.WatchRun(pb.WatchRunRequest(run_id="run-1", after_seq=last - 1))]
    assert [u.event.seq for u in found if u.HasField("event")] == [last]
    assert found[-1].HasField("run")


async def test_a_caller_without_the_token(stack: Stack) -> None:
    async with client.channel(stack.settings.listen, "wrong") as channel:
        with pytest.raises(PermissionError):
            await orchestrator_pb2_grpc.OrchestratorServiceStub(channel).ListRuns(pb.ListRunsRequest())

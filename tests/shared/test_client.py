"""The client's side of a call: deadlines, retries, streams, exceptions."""

import asyncio

import pytest

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.orchestrator.v1 import orchestrator_pb2_grpc
from oneshot_shared import client
from oneshot_shared.errors import BadInput
from shared.harness import failing, house


async def test_a_deadline_is_a_timeout_error() -> None:
    async with house(slow=lambda: asyncio.sleep(5)) as h:
        with pytest.raises(TimeoutError):
            await h.stub.GetRun(pb.GetRunRequest(run_id="slow"), timeout=0.2)
        with pytest.raises(TimeoutError):
            async for _ in h.stub.WatchRun(pb.WatchRunRequest(run_id="slow"), timeout=0.2):
                pass


async def test_unavailable_is_tried_again() -> None:
    async with house() as h:

        def twice() -> None:
            if h.toy.calls < 3:
                raise ConnectionError("not now")

        h.toy.answers["flaky"] = twice
        assert (await h.stub.GetRun(pb.GetRunRequest(run_id="flaky"))).run.run_id == "flaky"
        assert h.toy.calls == 3
        h.toy.answers["dead"] = failing(ConnectionError("never"))
        with pytest.raises(ConnectionError, match="never"):
            await h.stub.GetRun(pb.GetRunRequest(run_id="dead"))
        assert h.toy.calls == 7


async def test_bad_input_is_not_tried_again() -> None:
    async with house(bad=failing(BadInput("no"))) as h:
        with pytest.raises(BadInput, match="no"):
            await h.stub.GetRun(pb.GetRunRequest(run_id="bad"))
        assert h.toy.calls == 1


async def test_nobody_there_is_a_connection_error() -> None:
    async with client.channel("unix:/tmp/oneshot-nobody-is-here", "t") as channel:
        stub = orchestrator_pb2_grpc.OrchestratorServiceStub(channel)
        with pytest.raises(ConnectionError):
            await stub.GetRun(pb.GetRunRequest(run_id="x"), timeout=5)


async def test_a_stream_gives_what_came_before_its_error() -> None:
    async with house(broken=failing(FileNotFoundError("gone")), fine=lambda: None) as h:
        updates = h.stub.WatchRun(pb.WatchRunRequest(run_id="broken", after_seq=3))
        assert [(await anext(updates)).event.seq for _ in range(3)] == [1, 2, 3]
        with pytest.raises(FileNotFoundError, match="gone"):
            await anext(updates)
        whole = [u.event.seq async for u in h.stub.WatchRun(pb.WatchRunRequest(run_id="fine", after_seq=2))]
        assert whole == [1, 2]


async def test_leaving_a_stream_early_cancels_the_call() -> None:
    async with house(slow=lambda: asyncio.sleep(60)) as h:
        updates = h.stub.WatchRun(pb.WatchRunRequest(run_id="slow", after_seq=1))
        async for _ in updates:
            break
        await updates.aclose()
        async with asyncio.timeout(5):
            await h.toy.news.wait()
        assert h.toy.events == ["left slow"]


async def test_a_stream_of_requests_carries_more_than_one_message_may_hold() -> None:
    async def chunks():
        for _ in range(80):
            yield pb.PutTaskRequest(chunk=bytes(client.CHUNK_BYTES))

    async with house() as h:
        assert (await h.stub.PutTask(chunks())).digest == str(80 * client.CHUNK_BYTES)

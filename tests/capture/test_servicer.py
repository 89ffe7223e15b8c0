"""The capture service as its callers see it: a real server on a unix socket."""

import pytest

from capture.harness import BASE, House
from oneshot.capture.v1 import capture_pb2 as pb
from oneshot.capture.v1 import capture_pb2_grpc
from oneshot_shared import client
from oneshot_shared.errors import BadInput


async def test_from_start_to_end(house: House) -> None:
    started = await house.start()
    assert started.next_step.startswith("do the work, then end the task with EndTask")
    ended = await house.end()
    assert ended.next_step == "prepare it: a created task has no task.toml and no Dockerfile yet, so it cannot be run"
    assert await house.status() == ended
    assert (house.created / ended.folder / "solution" / "solution.patch").exists()


async def test_tasks_are_listed_newest_first_without_their_longest_words(house: House) -> None:
    for task_id in ("a", "b", "c"):
        await house.start(task_id, notes="long", instructions="long")
    await house.end("b", summary="long")
    await house.abort("c")
    tasks = (await house.stub.ListTasks(pb.ListTasksRequest())).tasks
    assert [(task.task_id, pb.TaskState.Name(task.state)) for task in tasks] == [
        ("c", "TASK_STATE_ABORTED"),
        ("b", "TASK_STATE_ENDED"),
        ("a", "TASK_STATE_STARTED"),
    ]
    assert b"long" not in b"".join(task.SerializeToString() for task in tasks)
    assert tasks[1].folder
    assert [task.start.title for task in tasks] == ["Add numbers"] * 3
    assert len((await house.stub.ListTasks(pb.ListTasksRequest(limit=2))).tasks) == 2
    assert (await house.status("a")).start.notes == "long"


async def test_bad_input_is_a_sentence(house: House) -> None:
    with pytest.raises(BadInput, match="the task id 'a b' is not allowed"):
        await house.start("a b")
    with pytest.raises(BadInput, match="the base tree 'main' is no object id"):
        await house.start(base_tree="main")


async def test_streams_that_are_no_ending(house: House) -> None:
    async def nothing() -> object:
        return
        yield

    with pytest.raises(BadInput, match="the stream does not begin with an ending"):
        await house.stub.EndTask(nothing())


async def test_nobody_is_served_without_the_token(house: House) -> None:
    tree = await house.repository.tree(BASE)
    async with client.channel(house.address, "wrong") as channel:
        stub = capture_pb2_grpc.CaptureServiceStub(channel)
        with pytest.raises(PermissionError, match="the call's token is missing or wrong"):
            await stub.StartTask(pb.StartTaskRequest(task_id="t", title="t", base_tree=tree))

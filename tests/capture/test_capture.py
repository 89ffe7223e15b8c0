"""Tasks from start to end: states, repeats, and what a kill or a full disk leaves."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from capture import harness
from capture.harness import BASE, END, House
from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_capture.store import CaptureStore
from oneshot_shared.errors import BadInput, NotReady

STARTED, ENDED, ABORTED = pb.TASK_STATE_STARTED, pb.TASK_STATE_ENDED, pb.TASK_STATE_ABORTED


async def test_a_repeated_start_is_harmless_and_another_content_is_refused(house: House) -> None:
    first = await house.start(labels=["a"])
    assert first.state == STARTED
    assert await house.start(labels=["a"]) == first
    with pytest.raises(FileExistsError, match="the task id 't1' is taken by a task of other content"):
        await house.start(labels=["b"])
    assert await house.status() == first


async def test_a_repeated_end_is_harmless_and_another_content_is_refused(house: House) -> None:
    await house.start()
    ended = await house.end(summary="Done.")
    assert ended.state == ENDED
    assert await house.end(summary="Done.", pack=b"whatever") == ended
    assert await house.start() == ended
    with pytest.raises(FileExistsError, match=f"task 't1' has ended with other content, as {ended.folder}"):
        await house.end(summary="Otherwise.")
    assert [path.name for path in house.created.iterdir()] == [ended.folder]


async def test_an_ended_task_stays_and_an_aborted_one_cannot_end(house: House) -> None:
    await house.start("a")
    ended = await house.end("a")
    assert await house.abort("a") == ended
    await house.start("b")
    aborted = await house.abort("b")
    assert (aborted.state, aborted.folder) == (ABORTED, "")
    assert await house.abort("b") == aborted
    with pytest.raises(NotReady, match="task 'b' was given up, so it cannot be ended"):
        await house.end("b")
    assert len(list(house.created.iterdir())) == 1


async def test_a_task_that_was_never_started(house: House) -> None:
    for call in (house.end, house.status, house.abort):
        with pytest.raises(FileNotFoundError, match="no task 'other' was started"):
            await call("other")


async def test_a_refused_end_changes_nothing(house: House) -> None:
    started = await house.start()
    pack = await house.repository.pack(await house.repository.tree(BASE))
    other = await house.repository.tree({b"x": ("file", b"")})
    for words in (
        {"pack": pack},
        {"pack": b"no pack"},
        {"sha256": "0" * 64},
        {"base_tree": other},
        {"end_tree": "f" * 40, "pack": pack},
        {"test_paths": ["nowhere"]},
        {"rubric_toml": b"["},
    ):
        with pytest.raises(BadInput):
            await house.end(**words)
        assert await house.status() == started
        assert [*house.created.iterdir(), *house.leftovers()] == []
    assert (await house.end()).state == ENDED


async def test_a_pack_larger_than_allowed(tmp_path: Path) -> None:
    async with harness.house(tmp_path, pack_mb=1) as house:
        await house.start()
        end = {**END, b"noise": ("file", os.urandom(1_200_000))}
        with pytest.raises(BadInput, match="the content is larger than 1048576 bytes, the allowed maximum"):
            await house.end(end_tree=await house.repository.tree(end))
        assert (await house.status()).state == STARTED
        assert house.leftovers() == []


async def test_two_tasks_of_one_title_in_one_second(house: House) -> None:
    for task_id in ("a", "b", "c"):
        await house.start(task_id)
    tasks = await asyncio.gather(*(house.end(task_id) for task_id in ("a", "b", "c")))
    assert len({task.folder for task in tasks}) == 3
    assert sorted(path.name for path in house.created.iterdir()) == sorted(task.folder for task in tasks)


async def test_two_calls_that_end_one_task_at_once(house: House) -> None:
    await house.start()
    one, other = await asyncio.gather(house.end(), house.end())
    assert one == other
    assert len(list(house.created.iterdir())) == 1


async def test_what_was_received_whole_is_written_though_the_caller_leaves(house: House) -> None:
    await house.start()
    call = asyncio.create_task(house.end())
    async with asyncio.timeout(20):
        while not house.capture.busy():  # noqa: ASYNC110 -- the server's own state
            await asyncio.sleep(0.001)
    assert house.capture.busy() == "1 tasks being written"
    call.cancel()
    await asyncio.wait([call])
    assert (await house.abort()).state == ENDED, "an abort waits for what is being written"
    assert (house.created / (await house.status()).folder / "instruction.md").exists()


async def test_a_caller_who_leaves_before_changes_nothing(house: House) -> None:
    started = await house.start()
    ending = pb.Ending(task_id="t1", base_tree=started.start.base_tree, end_tree=await house.repository.tree(END))

    async def endless() -> AsyncIterator[pb.EndTaskRequest]:
        yield pb.EndTaskRequest(ending=ending)
        yield pb.EndTaskRequest(chunk=b"PACK")
        await asyncio.sleep(60)

    call = asyncio.create_task(house.stub.EndTask(endless()))
    async with asyncio.timeout(20):
        while not house.leftovers():  # noqa: ASYNC110 -- a file of the server's
            await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.wait([call])
        while house.leftovers():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert await house.status() == started


@pytest.mark.parametrize("moved", [True, False])
async def test_a_kill_at_the_last_step_is_settled(tmp_path: Path, moved: bool) -> None:
    async with harness.house(tmp_path) as house:
        started = await house.start()
        ended = await house.end()
    half = pb.CaptureTask()
    half.CopyFrom(ended)
    half.state = STARTED
    store = CaptureStore(tmp_path / "data" / "state" / "capture.sqlite")
    store.save(half)
    store.close()
    (house.created / ".new-x" / "task").mkdir(parents=True)
    (tmp_path / "data" / "state" / "capture" / ".new-y").mkdir()
    if not moved:
        shutil.rmtree(house.created / ended.folder)
    async with harness.house(tmp_path) as house:
        assert house.leftovers() == []
        assert await house.status() == (ended if moved else started)
        assert (await house.end()).state == ENDED
        assert len(list(house.created.iterdir())) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 3 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", place], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a small disk takes the right to mount one")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("size", [1_800_000, 4_000_000], ids=["while written", "while received"])
async def test_a_disk_that_is_full(small_disk: Path, tmp_path: Path, size: int) -> None:
    async with harness.house(tmp_path, data=small_disk / "data") as house:
        started = await house.start()
        noise = await house.repository.tree({**END, b"noise": ("file", os.urandom(size))})
        with pytest.raises(NotReady, match="No space left on device"):
            await house.end(end_tree=noise)
        assert await house.status() == started
        assert [*house.created.iterdir(), *house.leftovers()] == []
        assert (await house.end()).state == ENDED


async def test_nothing_is_taken_any_more_while_it_stops(house: House) -> None:
    await house.start()
    await house.capture.finish()
    with pytest.raises(NotReady, match="capture is stopping, and nothing was written; end the task again"):
        await house.end()
    assert (await house.status()).state == STARTED
    assert house.leftovers() == []

"""The capture service as a program: killed between start and end, and started again."""

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from capture.harness import BASE, CHUNK, END, TOKEN, Repository, stream
from oneshot.capture.v1 import capture_pb2 as pb
from oneshot.capture.v1 import capture_pb2_grpc
from oneshot_shared.client import channel


@asynccontextmanager
async def program(data: Path, **settings: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, Any]]:
    """The program and its client."""
    with tempfile.TemporaryDirectory(prefix="osc-") as folder:
        token = Path(folder) / "token"
        token.write_text(TOKEN)
        names = {"LISTEN": f"unix:{folder}/c", "TOKEN_FILE": str(token), "DATA": str(data), "EXIT_ON_STDIN_EOF": "1"}
        names |= settings
        env = os.environ | {f"ONESHOT_CAPTURE_{name}": value for name, value in names.items()}
        command = [sys.executable, "-m", "oneshot_capture.main"]
        process = await asyncio.create_subprocess_exec(*command, env=env, stdin=-1, stderr=-1)
        try:
            async with asyncio.timeout(30), channel(names["LISTEN"], TOKEN) as opened:
                while not (Path(folder) / "c").exists():
                    assert process.returncode is None
                    await asyncio.sleep(0.02)
                yield process, capture_pb2_grpc.CaptureServiceStub(opened)
        finally:
            _, said = await process.communicate()
            assert process.returncode in (0, -signal.SIGKILL), said


async def test_a_task_that_was_started_can_be_ended_after_a_kill(tmp_path: Path) -> None:
    repository = await Repository.make(tmp_path / "repository")
    base, end = await repository.tree(BASE), await repository.tree(END)
    async with program(tmp_path / "data") as (process, stub):
        await stub.StartTask(pb.StartTaskRequest(task_id="t1", title="Add numbers", base_tree=base, notes="kept"))
        process.kill()
        await process.wait()
    async with program(tmp_path / "data") as (process, stub):
        task = (await stub.GetTaskStatus(pb.GetTaskStatusRequest(task_id="t1"))).task
        assert (task.state, task.start.notes) == (pb.TASK_STATE_STARTED, "kept")
        ending = pb.Ending(task_id="t1", base_tree=base, end_tree=end)
        ended = (await stub.EndTask(stream(ending, await repository.pack(base, end)))).task
        assert (tmp_path / "data" / "tasks" / "created" / ended.folder / "oneshot" / "origin.json").exists()
    assert process.returncode == 0


async def test_a_kill_while_a_task_is_ended_leaves_it_started_or_ended_and_nothing_half(tmp_path: Path) -> None:
    repository = await Repository.make(tmp_path / "repository")
    data = tmp_path / "data"
    base = await repository.tree(BASE)
    end = await repository.tree({**END, **{b"new/%d" % n: ("file", os.urandom(CHUNK)) for n in range(200)}})
    pack = await repository.pack(base, end)
    ending = pb.Ending(task_id="t1", base_tree=base, end_tree=end)
    for wait in (0, 0.02, 0.05):
        async with program(data) as (process, stub):
            await stub.StartTask(pb.StartTaskRequest(task_id="t1", title="Add numbers", base_tree=base))
            call = asyncio.create_task(stub.EndTask(stream(ending, pack)))
            while not list((data / "state" / "capture").iterdir()) and not call.done():  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            await asyncio.sleep(wait)
            process.kill()
            await asyncio.wait([call])
            call.exception()
    async with program(data) as (process, stub):
        assert not list((data / "state" / "capture").iterdir())
        assert not list((data / "tasks" / "created").glob(".*"))
        ended = (await stub.EndTask(stream(ending, pack))).task
        assert [path.name for path in (data / "tasks" / "created").iterdir()] == [ended.folder]


@pytest.mark.parametrize(("name", "value"), [("PACK_MB", "0"), ("PACKMB", "1"), ("TOKEN_FILE", "/nonexistent")])
async def test_bad_settings_are_one_sentence(tmp_path: Path, name: str, value: str) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    settings = {"TOKEN_FILE": str(token), "DATA": str(tmp_path / "data"), name: value}
    env = os.environ | {f"ONESHOT_CAPTURE_{key}": each for key, each in settings.items()}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "oneshot_capture.main", env=env, stderr=-1)
    said = (await process.communicate())[1].decode()
    assert process.returncode == 2
    assert "Traceback" not in said
    assert ("/nonexistent" if name == "TOKEN_FILE" else f"ONESHOT_CAPTURE_{name}") in said


async def test_it_serves_http_where_it_is_told_to_and_leaves_when_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with program(tmp_path / "data", HTTP_LISTEN=f"127.0.0.1:{port}") as (process, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"PUT /packs HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 401")
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 20)
        writer.close()
    assert process.returncode == 0


async def test_it_works_without_its_proxy(tmp_path: Path) -> None:
    repository = await Repository.make(tmp_path / "repository")
    base, end = await repository.tree(BASE), await repository.tree(END)
    async with program(tmp_path / "data", PROXY=f"unix:{tmp_path}/nobody") as (_, stub):
        start = pb.StartTaskRequest(task_id="t1", title="Add numbers", base_tree=base, session_id="s-1")
        await stub.StartTask(start)
        ending = pb.Ending(task_id="t1", base_tree=base, end_tree=end)
        ended = (await stub.EndTask(stream(ending, await repository.pack(base, end)))).task
        assert ended.state == pb.TASK_STATE_ENDED
        assert ended.remarks[0].startswith("there is no reference cassette, and no trajectory: ")

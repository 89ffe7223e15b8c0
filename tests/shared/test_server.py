"""The server's side of a call: token, status, activity, health, reflection, and its end."""

import asyncio
import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from oneshot.info.v1 import info_pb2, info_pb2_grpc
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.orchestrator.v1 import orchestrator_pb2_grpc
from oneshot_shared import client, server, version
from oneshot_shared.errors import BadInput, NotReady
from shared.harness import NAME, TOKEN, House, Toy, failing, house, service, toy_settings, until

ERRORS = {
    "bad": (BadInput("bad value 'x'; use y"), grpc.StatusCode.INVALID_ARGUMENT, BadInput),
    "unready": (NotReady("no engine"), grpc.StatusCode.FAILED_PRECONDITION, NotReady),
    "gone": (FileNotFoundError("no run"), grpc.StatusCode.NOT_FOUND, FileNotFoundError),
    "taken": (FileExistsError("taken"), grpc.StatusCode.ALREADY_EXISTS, FileExistsError),
    "closed": (PermissionError("not yours"), grpc.StatusCode.PERMISSION_DENIED, PermissionError),
    "late": (TimeoutError("late"), grpc.StatusCode.DEADLINE_EXCEEDED, TimeoutError),
    "lost": (ConnectionResetError("lost"), grpc.StatusCode.UNAVAILABLE, ConnectionError),
    "full": (OSError(errno.ENOSPC, "No space left"), grpc.StatusCode.RESOURCE_EXHAUSTED, NotReady),
    "fault": (KeyError("ours"), grpc.StatusCode.INTERNAL, RuntimeError),
}


async def _bare(h: House, metadata: tuple = ((client.TOKEN_KEY, TOKEN),)) -> grpc.aio.AioRpcError:
    """GetRun over a channel without our client; returns the error."""
    async with grpc.aio.insecure_channel(h.address) as channel:
        stub = orchestrator_pb2_grpc.OrchestratorServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.GetRun(pb.GetRunRequest(run_id="fine"), metadata=metadata, timeout=5)
        return raised.value


@pytest.mark.parametrize("name", ERRORS)
async def test_an_exception_becomes_its_status_and_an_exception_again(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error, code, seen = ERRORS[name]
    async with house(fine=failing(error)) as h:
        status = await _bare(h)
        assert status.code() is code
        assert (status.details() or "") in (str(error), error.args[-1])
        with pytest.raises(seen):
            await h.stub.GetRun(pb.GetRunRequest(run_id="fine"))
        with pytest.raises(seen):
            [_ async for _ in h.stub.WatchRun(pb.WatchRunRequest(run_id="fine", after_seq=1))]
    logged = capsys.readouterr()
    assert ("Traceback" in logged.out + logged.err) == (name == "fault"), "only a fault of ours is worth a traceback"


@pytest.mark.parametrize("metadata", [(), ((client.TOKEN_KEY, "wrong"),), ((client.TOKEN_KEY, ""),)])
async def test_without_the_token_nothing_is_done(metadata: tuple) -> None:
    async with house(fine=lambda: None) as h:
        status = await _bare(h, metadata)
        assert status.code() is grpc.StatusCode.UNAUTHENTICATED
        assert "token" in (status.details() or "")
        async with client.channel(h.address, "wrong") as channel:
            stub = orchestrator_pb2_grpc.OrchestratorServiceStub(channel)
            with pytest.raises(PermissionError, match="token is missing or wrong"):
                [_ async for _ in stub.WatchRun(pb.WatchRunRequest(run_id="fine", after_seq=1))]
            with pytest.raises(PermissionError):
                await info_pb2_grpc.InfoServiceStub(channel).GetInfo(info_pb2.GetInfoRequest())
        assert h.toy.calls == 0


async def test_a_method_that_is_not_there() -> None:
    async with house() as h:
        with pytest.raises(RuntimeError, match=r"(?i)not implemented|UNIMPLEMENTED"):
            await h.stub.ListRuns(pb.ListRunsRequest())


async def test_health_and_reflection_need_no_token() -> None:
    async with house() as h, grpc.aio.insecure_channel(h.address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for name in ("", NAME):
            answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError, match="NOT_FOUND"):
            await health.Check(health_pb2.HealthCheckRequest(service="nobody"))
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        answers = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([asked]))
        names = {each.name async for answer in answers for each in answer.list_services_response.service}
        assert {NAME, "oneshot.info.v1.InfoService"} <= names


async def test_info_says_what_keeps_the_service_busy() -> None:
    words = [""]
    served = house(busy=lambda: words[0], slow=lambda: asyncio.sleep(60))
    async with served as h, client.channel(h.address, TOKEN) as channel:
        stub = info_pb2_grpc.InfoServiceStub(channel)

        async def info() -> info_pb2.GetInfoResponse:
            return await stub.GetInfo(info_pb2.GetInfoRequest())

        first = await info()
        assert (first.service, first.build, first.pid, first.busy) == ("toy", version.build(), os.getpid(), "")
        await asyncio.sleep(0.05)
        assert (await info()).idle_seconds >= 0.05, "asking is no activity"
        slow = asyncio.create_task(h.stub.GetRun(pb.GetRunRequest(run_id="slow")))
        await until(lambda: h.toy.calls > 0)
        assert (await info()).busy == "1 open calls"
        slow.cancel()
        await asyncio.wait([slow])
        words[0] = "3 runs"
        busy = await info()
        assert (busy.busy, busy.idle_seconds) == ("3 runs", 0)
        words[0] = ""
        assert (await info()).idle_seconds < 5


async def test_told_to_stop_it_lets_open_calls_end() -> None:
    toy, ends = Toy({"slow": lambda: asyncio.sleep(0.5)}), list[str]()

    async def stop() -> None:
        ends.append("released")

    with toy_settings() as settings:
        serving = asyncio.create_task(server.run("toy", settings, [service(toy)], stop=stop))
        async with client.channel(settings.listen, TOKEN) as channel:
            stub = orchestrator_pb2_grpc.OrchestratorServiceStub(channel)
            await until(Path(settings.listen.removeprefix("unix:")).exists)
            slow = asyncio.create_task(stub.GetRun(pb.GetRunRequest(run_id="slow")))
            await until(lambda: toy.calls > 0)
            os.kill(os.getpid(), signal.SIGTERM)
            assert (await slow).run.run_id == "slow"
            await asyncio.wait_for(serving, 5)
            with pytest.raises(ConnectionError):
                await stub.GetRun(pb.GetRunRequest(run_id="slow"), timeout=5)
    assert ends == ["released"]


async def test_a_tcp_address_is_told_with_its_port() -> None:
    with toy_settings(listen="127.0.0.1:0") as settings:
        started, address = await server.start("toy", settings, [service(Toy())])
        host, port = address.split(":")
        assert (host, int(port) > 0) == ("127.0.0.1", True)
        await started.stop(0)


async def test_an_address_that_cannot_be_bound_is_a_sentence() -> None:
    refused = pytest.raises(NotReady, match="cannot listen on unix:/nonexistent/s")
    with toy_settings(listen="unix:/nonexistent/s") as settings, refused:
        await server.start("toy", settings, [service(Toy())])


def _program(folder: Path, **more: str) -> subprocess.Popen[str]:
    """The smallest real service."""
    (folder / "token").write_text("t")
    env = {"LISTEN": "127.0.0.1:0", "TOKEN_FILE": str(folder / "token"), "DATA": str(folder)} | more
    return subprocess.Popen(
        [sys.executable, "-m", "oneshot_grader.main"],
        env={f"ONESHOT_GRADER_{name}": value for name, value in env.items()},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("how", ["end of input", "SIGTERM", "SIGINT"])
def test_a_program_ends_cleanly(tmp_path: Path, how: str) -> None:
    with _program(tmp_path, EXIT_ON_STDIN_EOF="1") as process:
        assert process.stdin
        assert process.stderr
        assert json.loads(process.stderr.readline())["event"] == "serving"
        process.stdin.write("bytes that mean nothing\n")
        process.stdin.flush()
        if how == "end of input":
            process.stdin.close()
        else:
            process.send_signal(signal.Signals[how])
        assert process.wait(10) == 0
        assert [json.loads(line)["event"] for line in process.stderr] == ["stopping"]


def test_bad_settings_end_a_program_with_one_line(tmp_path: Path) -> None:
    for more, words in (({"LISTN": "x"}, "did you mean"), ({"TOKEN_FILE": "/nonexistent"}, "token file")):
        with _program(tmp_path, **more) as process:
            assert process.wait(20) == 2
            assert process.stderr
            (line,) = process.stderr
            assert words in json.loads(line)["event"]


def test_a_crash_is_one_line() -> None:
    program = """
import sqlite3
from oneshot_shared import server
async def serve():
    raise sqlite3.DatabaseError("file is not a database")
server.main("toy", serve)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    said = json.loads(line)
    assert (said["level"], said["event"]) == ("error", "DatabaseError: file is not a database")
    assert "Traceback" in said["exception"]

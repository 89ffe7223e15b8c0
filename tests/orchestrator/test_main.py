"""The orchestrator as a program: started, killed, started again."""

import asyncio
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.orchestrator.v1 import orchestrator_pb2_grpc
from oneshot_shared import client
from orchestrator import harness
from orchestrator.harness import INFRA, INVALID, SOLVE, TOKEN, Stack

SLEEP = harness.sleep_length()


@asynccontextmanager
async def program(
    data: Path, proxy: str, grader: str, **more: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, Any]]:
    """The program and its client."""
    with tempfile.TemporaryDirectory(prefix="osb-") as folder:
        token = Path(folder) / "token"
        token.write_text(TOKEN)
        settings = {
            "LISTEN": f"unix:{folder}/o",
            "TOKEN_FILE": str(token),
            "DATA": str(data),
            "PROXY": proxy,
            "GRADER": grader,
        }
        env = os.environ | {f"ONESHOT_ORCHESTRATOR_{name}": value for name, value in (settings | more).items()}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "oneshot_orchestrator.main", env=env, stderr=-1
        )
        try:
            async with client.channel(settings["LISTEN"], TOKEN) as channel:
                stub = orchestrator_pb2_grpc.OrchestratorServiceStub(channel)
                async with asyncio.timeout(30):
                    while not (Path(folder) / "o").exists():
                        assert process.returncode is None
                        await asyncio.sleep(0.02)
                yield process, stub
        finally:
            if process.returncode is None:
                process.terminate()
            await process.communicate()


async def test_after_a_kill_its_runs_get_an_end_and_its_leftovers_go(tmp_path: Path, hello: Path, backend: str) -> None:
    data, owner = tmp_path / "data", f"test-{secrets.token_hex(4)}"
    more = {"OWNER": owner}
    async with harness.services(data) as (proxy, grader, gateway):
        more["RELAY_SOURCE"] = str(gateway)
        async with program(data, proxy, grader, **more) as (process, stub):
            stack = Stack(data, harness.settings(data), None, stub, None)  # type: ignore[arg-type]
            await stack.submit(hello, "command", backend, command=f"setsid nohup sleep {SLEEP} & sleep {SLEEP}")
            async with asyncio.timeout(60):
                while not harness.marked(SLEEP):  # noqa: ASYNC110 -- another process starts it
                    await asyncio.sleep(0.05)
            process.send_signal(signal.SIGKILL)
            await process.wait()
        assert harness.marked(SLEEP) != []
        async with program(data, proxy, grader, **more) as (process, stub):
            run = (await stub.GetRun(pb.GetRunRequest(run_id="run-1"))).run
            assert (run.grade.verdict, run.grade.blame) == (INVALID, INFRA)
            assert run.grade.reason.startswith(
                "the orchestrator was stopped while this run was at work; submit it again"
            )
            assert harness.marked(SLEEP) == []
            assert not list((data / "state").glob("sandboxes/*")) + list((data / "state" / "scratch").iterdir())
            assert "INVALID" in (data / "runs" / "run-1" / "scoring_results.md").read_text()
            if backend == "docker":
                assert harness.in_docker(owner) == []
        assert process.returncode == 0


async def test_told_to_stop_it_ends_its_runs(tmp_path: Path, hello: Path) -> None:
    data = tmp_path / "data"
    async with harness.services(data) as (proxy, grader, _), program(data, proxy, grader) as (process, stub):
        stack = Stack(data, harness.settings(data), None, stub, None)  # type: ignore[arg-type]
        await stack.submit(hello, "command", command=f"{SOLVE}; sleep {SLEEP}")
        await stack.at(pb.STEP_AGENT)
        process.terminate()
        assert (await stack.end()).state == pb.RUN_STATE_CANCELLED
        assert await asyncio.wait_for(process.wait(), 10) == 0
    assert harness.marked(SLEEP) == []


@pytest.mark.parametrize(("name", "value"), [("SLOTS", "0"), ("SLOT", "1"), ("TOKEN_FILE", "/nonexistent")])
async def test_bad_settings_are_one_sentence(tmp_path: Path, name: str, value: str) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    settings = {"TOKEN_FILE": str(token), "DATA": str(tmp_path), "PROXY": "unix:/p", "GRADER": "unix:/g", name: value}
    env = os.environ | {f"ONESHOT_ORCHESTRATOR_{key}": each for key, each in settings.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "oneshot_orchestrator.main", env=env, stderr=-1
    )
    said = (await process.communicate())[1].decode()
    assert process.returncode == 2
    assert "Traceback" not in said
    assert ("/nonexistent" if name == "TOKEN_FILE" else f"ONESHOT_ORCHESTRATOR_{name}") in said

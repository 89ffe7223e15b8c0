"""Following a command in a container; what it prints and how it ends is in contract/output.py."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import docker.errors
import pytest

from oneshot_orchestrator.backends import docker_exec
from oneshot_orchestrator.backends.docker_engine import Engine
from orchestrator import harness

pytestmark = pytest.mark.docker
IMAGE = "python:3.13-slim-trixie"


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    made = Engine(f"test-{secrets.token_hex(4)}")
    await made.ping()
    yield made
    await made.close()
    assert harness.in_docker(made.owner) == []


async def _follow(engine: Engine, container: str, script: str, out: bytearray) -> int:
    created = await engine(engine.api.exec_create, container, ["sh", "-c", script])
    return await docker_exec.follow(engine, created["Id"], out.extend, out.extend)


async def test_cancelled_it_stops_listening_and_the_command_goes_on(engine: Engine) -> None:
    async with engine.container(IMAGE, ["sleep", "60"], labels=engine.labels("check")) as container:
        await engine(engine.api.start, container)
        out = bytearray()
        for script in ("echo x; sleep 1; touch /tmp/silent", "(sleep 1; touch /tmp/loud) & yes"):
            following = asyncio.create_task(_follow(engine, container, script, out))
            async with asyncio.timeout(10):
                while not out:  # noqa: ASYNC110 -- filled by the container
                    await asyncio.sleep(0.01)
            following.cancel()
            with pytest.raises(asyncio.CancelledError):
                await following
            out.clear()
        async with asyncio.timeout(5):
            while engine._calls:  # noqa: ASYNC110 -- the reading threads end
                await asyncio.sleep(0.05)
        assert out == b""
        assert await _follow(engine, container, "sleep 1; ls /tmp", out) == 0
        assert out == b"loud\nsilent\n"


async def test_a_command_that_cannot_be_started_is_an_error(engine: Engine) -> None:
    async with engine.container(IMAGE, ["sleep", "60"], labels=engine.labels("check")) as container:
        await engine(engine.api.start, container)
        created = await engine(engine.api.exec_create, container, ["true"])
        await engine(engine.api.kill, container)
        with pytest.raises(docker.errors.APIError, match=r"not running|No such exec"):
            await docker_exec.follow(engine, created["Id"], print, print)

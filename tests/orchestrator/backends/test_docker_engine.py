"""One connection to the engine: labels, removal, and calls that go on when their caller is cancelled."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

import docker.errors
import pytest

from oneshot_orchestrator.backends.docker_engine import Engine
from oneshot_shared import archive
from oneshot_shared.errors import NotReady
from orchestrator import harness
from orchestrator.backends.wire import tapped

IMAGE = "python:3.13-slim-trixie"


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    made = Engine(f"test-{secrets.token_hex(4)}")
    await made.ping()
    yield made
    await made.close()
    assert harness.in_docker(made.owner) == []


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("unix:///nonexistent.sock", r"no Docker engine answers at unix:///nonexistent.sock \(no socket\)"),
        ("unix:///tmp", r"no Docker engine answers at unix:///tmp \(.*(refused|directory)"),
        ("tcp://127.0.0.1:9", "no Docker engine answers .*; start Docker .* or use --backend local"),
        ("nonsense://x", "no Docker engine answers"),
    ],
)
async def test_no_engine_is_one_sentence(monkeypatch: pytest.MonkeyPatch, address: str, words: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)
    engine = Engine("x")
    with pytest.raises(NotReady, match=words):
        await engine.ping()
    with pytest.raises(NotReady, match="none was found yet"):
        _ = engine.api
    await engine.close()


async def test_a_file_that_a_cancelled_call_still_gives_is_closed() -> None:
    engine, file = Engine("x"), archive.spool([b"tree"])

    def fetch() -> IO[bytes]:
        time.sleep(0.05)
        return file

    fetching = asyncio.create_task(engine(fetch))
    await asyncio.sleep(0.01)
    fetching.cancel()
    await asyncio.wait([fetching])
    assert not file.closed
    await engine.close()
    assert file.closed


@pytest.mark.docker
async def test_a_container_is_gone_when_its_context_ends(engine: Engine) -> None:
    async with engine.container(IMAGE, ["true"], labels=engine.labels("check", "run-1")) as container:
        details = await engine(engine.api.inspect_container, container)
        assert details["Config"]["Labels"] == {
            "dev.oneshot.owner": engine.owner,
            "dev.oneshot.kind": "check",
            "dev.oneshot.run": "run-1",
        }
    assert harness.in_docker(engine.owner) == []
    await engine.remove_container(container)  # once more is harmless


@pytest.mark.docker
@pytest.mark.parametrize("pause", [0, 0.005, 0.02, 0.05])
async def test_cancelled_while_the_engine_makes_it_a_container_is_removed(engine: Engine, pause: float) -> None:
    async def make() -> None:
        async with engine.container(IMAGE, ["true"], labels=engine.labels("check")):
            await asyncio.sleep(60)

    making = asyncio.create_task(make())
    await asyncio.sleep(pause)
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert harness.in_docker(engine.owner) == []


@pytest.mark.docker
async def test_a_ping_without_an_answer_takes_nothing_from_who_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    with tapped(monkeypatch) as wire:
        engine = Engine(f"test-{secrets.token_hex(4)}")
        await engine.ping()
        await engine(engine.api.create_network, f"{engine.owner}-n", labels=engine.labels("network"))
        async with engine.container(IMAGE, ["true"], labels=engine.labels("check")) as container:
            wire.failing = b"/_ping"
            with pytest.raises(NotReady, match=r"no Docker engine answers .*device or resource busy"):
                await engine.ping()
            await engine(engine.api.inspect_container, container)
        wire.failing = b""
        assert harness.in_docker(engine.owner) == [f"{engine.owner}-n"]
        await engine.close()
        assert harness.in_docker(engine.owner) == []


@pytest.mark.docker
async def test_what_the_engine_does_not_remove_is_removed_later(monkeypatch: pytest.MonkeyPatch) -> None:
    with tapped(monkeypatch) as wire:
        engine = Engine(f"test-{secrets.token_hex(4)}")
        await engine.ping()
        for later in (engine.sweep, engine.reap):
            async with engine.container(IMAGE, ["true"], labels=engine.labels("check")):
                wire.failing = b"DELETE"
            await later()
            assert len(harness.in_docker(engine.owner)) == 1
            wire.failing = b""
            await later()
            assert harness.in_docker(engine.owner) == []
        await engine.close()


@pytest.mark.docker
async def test_an_archive_that_is_left_early_lets_go_of_its_container(engine: Engine) -> None:
    async with engine.container(IMAGE, ["true"], labels=engine.labels("check")) as container:

        def look() -> bytes:
            with engine.archive(container, "/usr") as chunks:
                return next(chunks)

        assert (await engine(look))[:4] == b"usr/"
        with pytest.raises(docker.errors.NotFound):
            await engine(lambda: engine.archive(container, "/nowhere").__enter__())
    assert harness.in_docker(engine.owner) == []


@pytest.mark.docker
async def test_a_container_that_cannot_be_made(engine: Engine) -> None:
    with pytest.raises(OSError, match="No such image"):
        async with engine.container("no/such-image", ["true"]):
            raise AssertionError("never made")


@pytest.mark.docker
async def test_reaping_takes_ones_own_and_nothing_else(engine: Engine) -> None:
    other = Engine(f"{engine.owner}-other")
    await other.ping()
    for each in (engine, other):
        await each(each.api.create_container, IMAGE, ["true"], name=f"{each.owner}-c", labels=each.labels("check"))
        await each(each.api.create_network, f"{each.owner}-n", labels=each.labels("network"))
    assert sorted(await engine.reap()) == [f"{engine.owner}-c", f"{engine.owner}-n"]
    assert sorted(harness.in_docker(other.owner)) == [f"{other.owner}-c", f"{other.owner}-n"]
    await other.close()
    assert harness.in_docker(other.owner) == []


@pytest.mark.docker
async def test_closing_waits_for_what_is_under_way(tmp_path: Path) -> None:
    engine = Engine(f"test-{secrets.token_hex(4)}")
    await engine.ping()
    making = asyncio.create_task(engine(_slow_create, engine))
    await asyncio.sleep(0.05)
    making.cancel()
    await engine.close()
    assert harness.in_docker(engine.owner) == []


def _slow_create(engine: Engine) -> None:
    time.sleep(0.5)
    engine.api.create_container(IMAGE, ["true"], labels=engine.labels("check"))

"""Images by the hash of their inputs, built with Buildx."""

import asyncio
import secrets
import shutil
import time
from pathlib import Path

import pytest

from oneshot_orchestrator.backends import docker_images
from oneshot_orchestrator.backends.docker_engine import Engine
from oneshot_shared import needs
from orchestrator import harness

SLEEP = harness.sleep_length()
IMAGE = "python:3.13-slim-trixie"


def context(folder: Path, *lines: str) -> Path:
    folder.mkdir()
    (folder / "Dockerfile").write_text("\n".join(["FROM python:3.13-slim-trixie", *lines]) + "\n")
    return folder


def test_a_name_is_the_hash_of_everything_that_goes_in(tmp_path: Path) -> None:
    made = context(tmp_path / "a")
    name = docker_images.image_name("env", made)
    assert name.startswith("oneshot-env:")
    assert name == docker_images.image_name("env", shutil.copytree(made, tmp_path / "b"))
    others = {docker_images.image_name("env", made, "1"), docker_images.image_name("env", made, "2")}
    (made / "more").touch()
    others.add(docker_images.image_name("env", made))
    (made / "more").chmod(0o755)
    others.add(docker_images.image_name("env", made))
    assert len(others | {name}) == 5


@pytest.mark.docker
async def test_a_build_says_what_it_does_and_takes_arguments(tmp_path: Path) -> None:
    image, said = f"oneshot-test:{secrets.token_hex(4)}", list[str]()
    made = context(tmp_path / "a", "ARG WORD", "RUN echo it is $WORD")
    engine = Engine("x")
    await engine.ping()
    assert not await docker_images.exists(engine, image)
    try:
        await docker_images.build(image, made, said.append, tmp_path / "log", WORD="blue")
        assert await docker_images.exists(engine, image)
    finally:
        await engine(engine.api.remove_image, image)
        await engine.close()
    assert "it is blue" in (tmp_path / "log").read_text()
    assert said
    assert all(0 < len(words) <= 120 for words in said)


@pytest.mark.docker
async def test_a_build_that_fails_or_takes_too_long(tmp_path: Path) -> None:
    failing = context(tmp_path / "a", "RUN false")
    with pytest.raises(docker_images.BuildError):
        await docker_images.build("oneshot-test:x", failing, lambda _: None, tmp_path / "log")
    slow = context(tmp_path / "b", f"RUN sleep {SLEEP}; echo {time.time()}")
    with pytest.raises(docker_images.BuildError):
        await docker_images.build("oneshot-test:x", slow, lambda _: None, tmp_path / "log", 2)
    assert (tmp_path / "log").read_text().endswith("the build took longer than 2 s\n")
    async with asyncio.timeout(3):
        while harness.marked(SLEEP):  # noqa: ASYNC110 -- BuildKit ends it
            await asyncio.sleep(0.05)


@pytest.mark.docker
async def test_an_agent_volume_is_filled_whole_whatever_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix, said = f"oneshot-test-{secrets.token_hex(4)}-", list[str]()
    monkeypatch.setattr(docker_images, "_VOLUME", prefix)
    engine = Engine("test-volume")
    await engine.ping()
    codex = docker_images.image_name("codex", docker_images.IMAGES / "codex", needs.CODEX_VERSION)
    volume = f"{prefix}{codex.split(':')[1]}"

    async def inside(script: str) -> str:
        binds = engine.api.create_host_config(binds=[f"{volume}:/v"])
        async with engine.container(IMAGE, ["sh", "-c", script], host_config=binds) as container:
            await engine(engine.api.start, container)
            await engine(engine.api.wait, container)
            return (await engine(engine.api.logs, container)).decode().strip()

    broken = "rm /v/.complete; cd /v/codex_cli_bin/bin; head -c 99 codex > half; mv half codex; ls"
    try:
        await engine(engine.api.create_volume, volume)  # made anew by a mount, and empty
        volumes = docker_images.AgentVolume(engine)
        for spoil in ("ls /v", broken):
            await inside(spoil)
            assert await docker_images.AgentVolume(engine).get(IMAGE, said.append, tmp_path / "log") == volume
            assert await inside("/v/codex_cli_bin/bin/codex --version") == f"codex-cli {needs.CODEX_VERSION}"
        said.clear()
        assert await volumes.get(IMAGE, said.append, tmp_path / "log") == volume
        assert said == []
        await asyncio.sleep(1.1)  # the engine tells when a volume was made to the second
        await engine(engine.api.remove_volume, volume)
        assert await volumes.get(IMAGE, said.append, tmp_path / "log") == volume
        assert said[0].startswith("fetching Codex")
        labels = (await engine(engine.api.inspect_volume, volume))["Labels"]
        assert labels == {"dev.oneshot.owner": "test-volume", "dev.oneshot.kind": "agent files"}
    finally:
        await engine(engine.api.remove_volume, volume)
        await engine.close()

"""Images, named by the hash of their inputs and built once, with Buildx; and the volume of an agent's files."""

import asyncio
import contextlib
import hashlib
import os
import signal
import subprocess
from pathlib import Path

import docker.errors

from oneshot_orchestrator.backends.docker_engine import Engine
from oneshot_orchestrator.contract import Say
from oneshot_shared import archive, needs

IMAGES = Path(__file__).parent.parent / "images"


class BuildError(RuntimeError):
    """A build that ended badly; its output is in the log."""


def image_name(kind: str, context: Path, *more: str) -> str:
    """`oneshot-<kind>:<hash>` over everything below the context and the build arguments."""
    content = hashlib.sha256("\n".join([archive.digest(context), *more]).encode()).hexdigest()
    return f"oneshot-{kind}:{content[:24]}"


async def exists(engine: Engine, image: str) -> bool:
    """Whether the engine has an image."""
    try:
        await engine(engine.api.inspect_image, image)
    except docker.errors.ImageNotFound:
        return False
    return True


async def build(image: str, context: Path, say: Say, log: Path, timeout: float = 1800, **arguments: str) -> None:
    """Build an image; output goes to the log as it comes. :raises BuildError: see the log."""
    command = ["docker", "buildx", "build", "--load", "--progress=plain", "--tag", image]
    for name, value in arguments.items():
        command += ["--build-arg", f"{name}={value}"]
    if await _follow([*command, str(context)], say, log, timeout):
        raise BuildError(image)


async def _follow(command: list[str], say: Say, log: Path, timeout: float) -> int:
    """Run a command to its end; cancelled or late, it dies with the plugin that docker started for it."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout
    with log.open("ab") as file:
        try:
            async with asyncio.timeout(timeout):
                while chunk := await process.stdout.read(65536):
                    file.write(chunk)
                    file.flush()
                    if words := chunk.decode(errors="replace").strip():
                        say(words.splitlines()[-1].strip()[:120])
                return await process.wait()
        except TimeoutError:
            file.write(f"the build took longer than {timeout:.0f} s\n".encode())
            return -1
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def relay_image(engine: Engine, say: Say, log: Path) -> str:
    """The image of the relay."""
    image = image_name("relay", IMAGES / "relay")
    if not await exists(engine, image):
        say("building the relay's image, once")
        await build(image, IMAGES / "relay", say, log)
    return image


async def agent_volume(engine: Engine, say: Say, log: Path) -> str:
    """A volume with Codex for the engine's own platform, filled once by a container."""
    image = image_name("codex", IMAGES / "codex", needs.CODEX_VERSION)
    volume = image.replace(":", "-")
    with contextlib.suppress(docker.errors.NotFound):
        await engine(engine.api.inspect_volume, volume)
        return volume
    say("fetching Codex for the sandbox's platform, once")
    await build(image, IMAGES / "codex", say, log, VERSION=needs.CODEX_VERSION)
    # the engine copies the image's folder into a new volume when the container is made
    binds = engine.api.create_host_config(binds=[f"{volume}:/opt/oneshot-agent"])
    async with engine.container(image, ["true"], host_config=binds, labels=engine.labels("fill")):
        return volume

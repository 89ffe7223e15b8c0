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
from oneshot_shared.errors import NotReady

IMAGES = Path(__file__).parent.parent / "images"
_VOLUME = "oneshot-agent-"
_PLACE = "/oneshot-agent"
_MARKER = ".complete"
_FILL = (
    f"test -e {_PLACE}/{_MARKER} || "
    f"{{ cp -a --remove-destination /opt/oneshot-agent/. {_PLACE}/ && touch {_PLACE}/{_MARKER}; }}"
)


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


class AgentVolume:
    """A volume with Codex for the engine's own platform, filled once by a container, and by one stack at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._whole = ""

    async def get(self, image: str, say: Say, log: Path) -> str:
        """Its name. What is new to this process is looked into, with any image, and filled (again) where it is not whole.

        :raises NotReady: it cannot be filled.
        """
        codex = image_name("codex", IMAGES / "codex", needs.CODEX_VERSION)
        volume = f"{_VOLUME}{codex.split(':')[1]}"
        labels = self._engine.labels("agent files")
        made = (await self._engine(self._engine.api.create_volume, volume, labels=labels))["CreatedAt"]  # or found
        if made != self._whole:
            if not await self._is_whole(volume, image):
                say("fetching Codex for the sandbox's platform, once")
                await build(codex, IMAGES / "codex", say, log, VERSION=needs.CODEX_VERSION)
                await self._fill(volume, codex)
            self._whole = made
        return volume

    async def _is_whole(self, volume: str, image: str) -> bool:
        api = self._engine.api
        binds = api.create_host_config(binds=[f"{volume}:{_PLACE}:ro"])
        labels = self._engine.labels("look")
        async with self._engine.container(
            image, ["true"], entrypoint=[], host_config=binds, labels=labels
        ) as container:
            try:
                await self._engine(lambda: b"".join(api.get_archive(container, f"{_PLACE}/{_MARKER}")[0]))
            except docker.errors.NotFound:
                return False
        return True

    async def _fill(self, volume: str, codex: str) -> None:
        api = self._engine.api
        options = {
            "user": "0:0",
            "host_config": api.create_host_config(binds=[f"{volume}:{_PLACE}"], network_mode="none"),
            "labels": self._engine.labels("fill"),
        }
        async with self._engine.container(codex, ["flock", _PLACE, "sh", "-c", _FILL], **options) as container:
            await self._engine(api.start, container)
            ended = await self._engine(api.wait, container)
            if ended["StatusCode"]:
                said = (await self._engine(api.logs, container)).decode(errors="replace").strip()
                raise NotReady(
                    f"the volume {volume} cannot be filled with Codex ({said}); free some space and try again"
                )

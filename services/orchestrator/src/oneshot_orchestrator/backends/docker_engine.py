"""One connection to the Docker engine, and its blocking calls on threads of their own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import docker
import docker.errors

from oneshot_shared.errors import NotReady

LABEL = "dev.oneshot.owner"
RUN_LABEL = "dev.oneshot.run"
KIND_LABEL = "dev.oneshot.kind"
_THREADS = 64
_NO_ENGINE = (
    "no Docker engine answers ({why}); start Docker (for example `systemctl start docker`, or "
    "scripts/docker-debian.sh on Debian), or use --backend local"
)


class Engine:
    """The engine, with everything that we make labelled as ours."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="docker")
        self._client: Any = None

    @property
    def api(self) -> Any:  # noqa: ANN401 -- docker-py has no types for its low-level client
        """docker-py's low-level client. :raises NotReady: no engine answers."""
        if self._client is None:
            try:
                client = docker.from_env(timeout=120, max_pool_size=_THREADS)
                client.ping()
            except (docker.errors.DockerException, OSError) as error:
                raise NotReady(_NO_ENGINE.format(why=_short(error))) from None
            self._client = client
        return self._client.api

    async def __call__[T](self, call: Callable[..., T], /, *arguments: object, **options: object) -> T:
        """A blocking call on a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: call(*arguments, **options))

    async def ping(self) -> None:
        """:raises NotReady: the engine does not answer (any more)."""
        try:
            await self(lambda: self.api.ping())
        except (docker.errors.DockerException, OSError) as error:
            self._client = None
            raise NotReady(_NO_ENGINE.format(why=_short(error))) from None

    def labels(self, kind: str, run_id: str = "") -> dict[str, str]:
        """The labels of something we make."""
        return {LABEL: self.owner, KIND_LABEL: kind} | ({RUN_LABEL: run_id} if run_id else {})

    async def remove_container(self, container: str) -> None:
        """Remove a container and its anonymous volumes; gone already is fine."""
        try:
            await self(self.api.remove_container, container, force=True, v=True)
        except docker.errors.NotFound:
            pass
        except docker.errors.APIError as error:
            if "already in progress" not in str(error):
                raise

    async def reap(self) -> list[str]:
        """Remove every container and network of this owner; returns what was removed."""
        mine = {"label": f"{LABEL}={self.owner}"}
        removed = []
        for container in await self(self.api.containers, all=True, filters=mine):
            await self.remove_container(container["Id"])
            removed.append(container["Names"][0].lstrip("/"))
        for network in await self(self.api.networks, filters=mine):
            await self(self.api.remove_network, network["Id"])
            removed.append(network["Name"])
        return removed

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
        self._threads.shutdown(wait=False)


def _short(error: Exception) -> str:
    text = str(error)
    for known in ("Connection refused", "No such file", "Permission denied", "FileNotFoundError"):
        if known in text:
            return {"FileNotFoundError": "no socket", "No such file": "no socket"}.get(known, known.lower())
    return text.splitlines()[0][:200]

"""One connection to the Docker engine, and its blocking calls on threads of their own."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import docker
import docker.errors

from oneshot_shared import logs, needs
from oneshot_shared.errors import sentence

RUN_LABEL = "dev.oneshot.run"
KIND_LABEL = "dev.oneshot.kind"
_THREADS = 160  # each of at most 64 runs holds one for as long as its agent works
_SETTLE_SECONDS = 15.0
_CHUNK_BYTES = 1 << 20


class Engine:
    """The engine, with everything that we make labelled as ours."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="docker")
        self._calls: set[asyncio.Future[Any]] = set()
        self._left: set[str] = set()
        self._client: Any = None
        self._connecting = asyncio.Lock()

    @property
    def api(self) -> Any:  # noqa: ANN401 -- docker-py has no types for its low-level client
        """docker-py's low-level client. :raises NotReady: no ping has found an engine yet."""
        if self._client is None:
            raise needs.no_engine(_address(), ConnectionError("none was found yet"))
        return self._client.api

    async def __call__[T](self, call: Callable[..., T], /, *arguments: object, **options: object) -> T:
        """A blocking call on a thread, which goes on to its end although its caller is cancelled."""
        made = asyncio.get_running_loop().run_in_executor(self._threads, lambda: call(*arguments, **options))
        self._calls.add(made)
        made.add_done_callback(self._calls.discard)
        try:
            return await asyncio.shield(made)
        except asyncio.CancelledError:
            made.add_done_callback(_close)
            raise

    async def ping(self) -> None:
        """Connect where needed; the client stays, for it connects anew by itself. :raises NotReady: no answer (any more)."""
        try:
            await self(needs.knock, _address())  # docker-py leaves a socket open where it cannot connect
            async with self._connecting:
                if self._client is None:
                    self._client = await self(docker.from_env, timeout=120, max_pool_size=_THREADS)
            await self(self._client.ping)
        except (docker.errors.DockerException, OSError) as error:
            raise needs.no_engine(_address(), error) from None

    def labels(self, kind: str, run_id: str = "") -> dict[str, str]:
        """The labels of something we make."""
        return {needs.OWNER_LABEL: self.owner, KIND_LABEL: kind} | ({RUN_LABEL: run_id} if run_id else {})

    @asynccontextmanager
    async def container(self, image: str, command: list[str], **options: object) -> AsyncIterator[str]:
        """A created container, removed when its context ends, also where its making was broken off.

        What the engine does not remove at once does not spoil the work in it: `sweep` tries again.
        """
        making = asyncio.ensure_future(self(self.api.create_container, image, command, **options))
        try:
            yield (await asyncio.shield(making))["Id"]
        finally:
            await asyncio.shield(self._discard(making))

    async def _discard(self, making: "asyncio.Future[Any]") -> None:
        await asyncio.wait([making])
        if not making.cancelled() and making.exception() is None:
            container = making.result()["Id"]
            if not await self._removed(self.remove_container, container):
                self._left.add(container)

    async def sweep(self) -> None:
        """Remove containers that could not be removed when their contexts ended."""
        for container in list(self._left):
            if await self._removed(self.remove_container, container):
                self._left.discard(container)

    async def _removed(self, remove: Callable[[str], Awaitable[None]], identity: str) -> bool:
        """Whether something is gone now; that it is not is logged."""
        try:
            await remove(identity)
        except (docker.errors.DockerException, OSError) as error:
            logs.get().warning("not removed from Docker", id=identity[:12], error=sentence(error))
            return False
        return True

    @contextlib.contextmanager
    def archive(self, container: str, path: str) -> Iterator[Iterator[bytes]]:
        """A path of a container as a tar, in chunks as they come. Blocks, so: on a thread. :raises NotFound: no such path.

        docker-py's own leaves the connection open where its reader leaves early, and the engine then holds the container.
        """
        address = self.api._url("/containers/{0}/archive", container)
        response = self.api._get(address, params={"path": path}, stream=True)
        try:
            self.api._raise_for_status(response)
            yield response.iter_content(_CHUNK_BYTES)
        finally:
            response.close()

    async def remove_container(self, container: str) -> None:
        """Remove a container and its anonymous volumes; gone already is fine."""
        try:
            await self(self.api.remove_container, container, force=True, v=True)
        except docker.errors.NotFound:
            pass
        except docker.errors.APIError as error:
            if "already in progress" not in str(error):
                raise

    async def remove_network(self, network: str) -> None:
        """Remove a network; gone already is fine."""
        with contextlib.suppress(docker.errors.NotFound):
            await self(self.api.remove_network, network)

    async def reap(self) -> list[str]:
        """Remove every container and network of this owner; returns what was removed. What resists is logged, and stays."""
        mine = {"label": f"{needs.OWNER_LABEL}={self.owner}"}
        containers = await self(self.api.containers, all=True, filters=mine)
        removed = [
            each["Names"][0].lstrip("/")
            for each in containers
            if await self._removed(self.remove_container, each["Id"])
        ]
        networks = await self(self.api.networks, filters=mine)
        removed += [each["Name"] for each in networks if await self._removed(self.remove_network, each["Id"])]
        return removed

    async def close(self) -> None:
        """Let calls that are under way end, remove what they made, and close the connection."""
        if self._calls:
            await asyncio.wait(set(self._calls), timeout=_SETTLE_SECONDS)
        if self._client is not None:
            with contextlib.suppress(docker.errors.DockerException, OSError):
                await self.reap()
            self._client.close()
        self._threads.shutdown(wait=False)


def _address() -> str:
    return os.environ.get("DOCKER_HOST") or needs.DEFAULT_ENGINE


def _close(made: "asyncio.Future[Any]") -> None:
    """Close a file that nobody takes any more."""
    if not made.cancelled() and made.exception() is None and hasattr(made.result(), "close"):
        made.result().close()

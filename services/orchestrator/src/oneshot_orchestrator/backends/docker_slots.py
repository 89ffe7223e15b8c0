"""Slots: a network of its own without a host address, and a relay as the sandbox's only peer on it."""

import asyncio
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import docker.errors
import docker.types

from oneshot_orchestrator.backends import docker_images
from oneshot_orchestrator.backends.docker_engine import Engine
from oneshot_orchestrator.settings import OrchestratorSettings
from oneshot_shared.errors import NotReady

_ALIAS = "proxy"
_PORT = 8080
_START_SECONDS = 20.0
_SUBNETS = 8192  # /29 networks in 10.213.0.0/16


@dataclass(frozen=True)
class DockerSlot:
    """A network that a sandbox joins."""

    network: str

    def gateway_url(self, port: int) -> str:
        """The relay's address; the gateway's own port does not matter."""
        return f"http://{_ALIAS}:{_PORT}/v1"


async def open_slot(engine: Engine, settings: OrchestratorSettings, index: int, log: Path) -> DockerSlot:
    """Make a slot, or find its relay running. :raises NotReady: no free subnet, or the relay does not start."""
    name = f"oneshot-{engine.owner}-slot-{index}"
    relay = f"{name}-relay"
    await engine.sweep()  # a sandbox that could not be removed may still be on the network
    if await _running(engine, relay):
        return DockerSlot(name)
    await engine.remove_container(relay)  # half made, or it died
    await engine.remove_network(name)
    image = await docker_images.relay_image(engine, lambda _: None, log)
    await _make_network(engine, name)
    await engine(
        engine.api.create_container,
        image,
        [settings.relay_upstream],
        name=relay,
        user=settings.relay_user or f"{os.getuid()}:{os.getgid()}",
        labels=engine.labels("relay"),
        networking_config={"EndpointsConfig": {name: engine.api.create_endpoint_config(aliases=[_ALIAS])}},
        host_config=_relay_host_config(engine, settings, name),
    )
    if not settings.relay_source:  # a relay that leads to host:port needs a way out of the slot's network
        await engine(engine.api.connect_container_to_network, relay, "bridge")
    await engine(engine.api.start, relay)
    await _until_relaying(engine, relay)
    return DockerSlot(name)


def _relay_host_config(engine: Engine, settings: OrchestratorSettings, network: str) -> object:
    config: object = engine.api.create_host_config(
        network_mode=network,
        init=True,
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        mem_limit="64m",
        memswap_limit="64m",
        pids_limit=64,
        binds=[f"{settings.relay_source}:/run/oneshot"] if settings.relay_source else [],
        log_config={"Type": "json-file", "Config": {"max-size": "1m", "max-file": "1"}},
        extra_hosts={"host.docker.internal": "host-gateway"},
    )
    return config


async def _running(engine: Engine, container: str) -> bool:
    try:
        return bool((await engine(engine.api.inspect_container, container))["State"]["Running"])
    except docker.errors.NotFound:
        return False


async def _make_network(engine: Engine, name: str) -> None:
    first = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
    for attempt in range(64):
        number = (first + attempt * 97) % _SUBNETS * 8
        subnet = f"10.213.{number >> 8}.{number & 255}/29"
        pool = docker.types.IPAMPool(subnet=subnet)
        try:
            await engine(
                engine.api.create_network,
                name,
                driver="bridge",
                internal=True,
                check_duplicate=True,
                options={"com.docker.network.bridge.inhibit_ipv4": "true"},
                ipam=docker.types.IPAMConfig(pool_configs=[pool]),
                labels=engine.labels("network"),
            )
        except docker.errors.APIError as error:
            if "overlap" not in str(error).lower():
                raise
        else:
            return
    raise NotReady(
        "no free subnet in 10.213.0.0/16 for a sandbox's network; remove unused ones with `docker network prune`"
    )


async def _until_relaying(engine: Engine, relay: str) -> None:
    try:
        async with asyncio.timeout(_START_SECONDS):
            while b"relaying" not in await engine(engine.api.logs, relay):  # noqa: ASYNC110 -- another process says it
                await asyncio.sleep(0.02)
    except TimeoutError:
        output = (await engine(engine.api.logs, relay)).decode(errors="replace").strip()
        raise NotReady(
            f"the relay did not start within {_START_SECONDS:.0f} s ({output}); see `docker logs {relay[:12]}`"
        ) from None

"""Slots: a network without a host on it, and a relay."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import docker.types
import pytest

from oneshot_orchestrator.backends import docker_slots
from oneshot_orchestrator.backends.docker_engine import Engine
from oneshot_orchestrator.backends.docker_slots import DockerSlot
from oneshot_orchestrator.settings import OrchestratorSettings
from orchestrator import harness

pytestmark = pytest.mark.docker


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    made = Engine(f"test-{secrets.token_hex(4)}")
    await made.ping()
    yield made
    await made.close()
    assert harness.in_docker(made.owner) == []


@pytest.fixture
def settings(tmp_path: Path) -> OrchestratorSettings:
    return harness.settings(tmp_path, relay_source=str(tmp_path))


async def test_a_slot_is_made_once_and_again_when_its_relay_died(
    engine: Engine, settings: OrchestratorSettings, tmp_path: Path
) -> None:
    slot = await docker_slots.open_slot(engine, settings, 3, tmp_path / "log")
    name = f"oneshot-{engine.owner}-slot-3"
    assert slot == DockerSlot(name)
    assert slot.gateway_url(1234) == "http://proxy:8080/v1"
    first = await engine(engine.api.inspect_container, f"{name}-relay")
    await docker_slots.open_slot(engine, settings, 3, tmp_path / "log")
    assert (await engine(engine.api.inspect_container, f"{name}-relay"))["Id"] == first["Id"]
    await engine(engine.api.kill, f"{name}-relay")
    assert await docker_slots.open_slot(engine, settings, 3, tmp_path / "log") == slot
    second = await engine(engine.api.inspect_container, f"{name}-relay")
    assert (second["State"]["Running"], second["Id"] != first["Id"]) == (True, True)
    host = second["HostConfig"]
    assert (host["CapDrop"], host["ReadonlyRootfs"], list(second["NetworkSettings"]["Networks"])) == (
        ["ALL"],
        True,
        [name],
    )
    network = await engine(engine.api.inspect_network, name)
    assert (network["Internal"], network["IPAM"]["Config"][0]["Subnet"][-3:]) == (True, "/29")
    await engine.remove_container(f"{name}-relay")  # half a slot: a network alone
    assert await docker_slots.open_slot(engine, settings, 3, tmp_path / "log") == slot


async def test_a_taken_subnet_is_passed_over(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def taken(number: int) -> None:
        pool = docker.types.IPAMPool(subnet=f"10.213.255.{number}/29")
        ipam = docker.types.IPAMConfig(pool_configs=[pool])
        await engine(engine.api.create_network, f"{engine.owner}-{number}", ipam=ipam, labels=engine.labels("network"))

    await taken(240)
    name = f"oneshot-{engine.owner}-slot-0"
    monkeypatch.setattr(docker_slots, "_SUBNETS", 8192)
    monkeypatch.setattr(docker_slots.hashlib, "sha256", lambda _: Digest())
    await docker_slots._make_network(engine, name)
    network = await engine(engine.api.inspect_network, name)
    assert network["IPAM"]["Config"][0]["Subnet"] != "10.213.255.240/29"


class Digest:
    """A hash that leads to the subnet which is taken."""

    def digest(self) -> bytes:
        return (8190).to_bytes(4)


async def test_two_owners_at_once(engine: Engine, settings: OrchestratorSettings, tmp_path: Path) -> None:
    other = Engine(f"{engine.owner}-b")
    await other.ping()
    made = await asyncio.gather(
        *[
            docker_slots.open_slot(each, settings, number, tmp_path / "log")
            for each in (engine, other)
            for number in (0, 1)
        ]
    )
    assert len({slot.network for slot in made}) == 4
    await other.close()
    assert len(harness.in_docker(engine.owner)) == 4

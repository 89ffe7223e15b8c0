"""The contract on docker."""

import secrets
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from oneshot_orchestrator.backends.docker import DockerBackend
from orchestrator import harness
from orchestrator.backends import contract

pytestmark = [pytest.mark.docker, pytest.mark.asyncio(loop_scope="module")]

GAPS: contract.Gaps = {}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[contract.Bench]:
    place = tmp_path_factory.mktemp("docker")
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="osb-") as sockets:
        patch.setenv("OPENAI_API_KEY", harness.CANARY)
        patch.setenv("ONESHOT_ORCHESTRATOR_SLOTS", "1")
        settings = harness.settings(place, relay_source=sockets, owner=f"test-{secrets.token_hex(4)}")
        backend = DockerBackend(settings, place / "state")
        await backend.reap()
        async with contract.gateway(Path(sockets) / "gateway.sock") as port:
            async with contract.bench(backend, place, port, lambda: harness.in_docker(settings.owner)) as made:
                yield made
            assert harness.in_docker(settings.owner, slots=False) == []
            await backend.close()
        assert harness.in_docker(settings.owner) == []


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.name)
async def test_check(bench: contract.Bench, check: contract.Check) -> None:
    await contract.hold(bench, check, GAPS)

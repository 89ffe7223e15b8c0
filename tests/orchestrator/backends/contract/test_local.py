"""The contract on local."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from oneshot_orchestrator.backends.local import LocalBackend
from orchestrator import harness
from orchestrator.backends import contract

pytestmark = pytest.mark.asyncio(loop_scope="module")

GAPS: contract.Gaps = {
    "a_slot_leads_nowhere_else": "a process of this machine has this machine's network",
    "without_a_slot_there_is_no_network": "a process of this machine has this machine's network",
    "no_process_has_any_rights": "a process of this machine has its user's rights",
    "no_path_leads_into_another_sandbox": "all sandboxes are folders of one user",
    "no_process_of_another_sandbox_is_seen": "all sandboxes are processes of one user",
    "the_agents_program_is_there_and_cannot_be_changed": "agents are this machine's own programs, and shut themselves in",
    "processes_without_end_are_refused": "a process limit for less than a whole user needs control groups, and so root",
    "memory_without_end_is_refused": "a memory limit for more than one process needs control groups, and so root",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[contract.Bench]:
    place = tmp_path_factory.mktemp("local")
    folders = place / "state" / "sandboxes"
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="osb-") as sockets:
        patch.setenv("OPENAI_API_KEY", harness.CANARY)
        patch.setenv("ONESHOT_ORCHESTRATOR_SLOTS", "1")
        backend = LocalBackend(harness.settings(place), place / "state")
        async with contract.gateway(Path(sockets) / "gateway.sock") as port:
            async with contract.bench(backend, place, port, lambda: [each.name for each in folders.glob("*")]) as made:
                yield made
            assert list(folders.glob("*")) == []
            await backend.close()


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.name)
async def test_check(bench: contract.Bench, check: contract.Check) -> None:
    await contract.hold(bench, check, GAPS)

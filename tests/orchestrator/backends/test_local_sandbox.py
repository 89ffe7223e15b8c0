"""Folders and processes as sandboxes: what every sandbox must do."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oneshot_orchestrator.backends.local import LocalBackend
from orchestrator import harness
from orchestrator.backends import checks


@pytest.fixture
async def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalBackend]:
    monkeypatch.setenv("OPENAI_API_KEY", harness.CANARY)
    monkeypatch.setenv("ONESHOT_ORCHESTRATOR_SLOTS", "1")
    made = LocalBackend(harness.settings(tmp_path), tmp_path / "state")
    yield made
    await made.close()


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
async def test_check(local: LocalBackend, tmp_path: Path, check: checks.Check) -> None:
    await checks.run(check, local, tmp_path)

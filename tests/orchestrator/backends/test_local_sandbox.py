"""Folders and processes as sandboxes: what every sandbox must do."""

import os
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oneshot_orchestrator.backends import local_sandbox
from oneshot_orchestrator.backends.local import LocalBackend
from orchestrator import harness, trees
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


def test_a_folder_is_removed_whatever_its_modes(tmp_path: Path) -> None:
    folder = trees.write({b"a/b/c": ("file", b""), b"a/link": ("link", b"/etc")}, tmp_path / "f")
    (folder / "a" / "b").chmod(0)
    (folder / "a").chmod(0o500)
    local_sandbox.remove(folder)
    assert not folder.exists()
    assert Path("/etc").stat().st_mode & 0o777 == 0o755
    local_sandbox.remove(folder)


def test_a_folder_is_removed_however_deep(tmp_path: Path) -> None:
    trees.nest(tmp_path / "f", "d", 2500)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, limits[1]))
    try:
        local_sandbox.remove(tmp_path / "f")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert not (tmp_path / "f").exists()


def test_what_cannot_be_removed_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rm").write_text("#!/bin/sh\necho $3: device or resource busy >&2\nexit 1\n")
    (tmp_path / "rm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "f").mkdir()
    local_sandbox.remove(tmp_path / "f")
    assert "f: device or resource busy" in "".join(capsys.readouterr())

"""Reaping at the real engine, and without any."""

import subprocess
from pathlib import Path

import pytest

from oneshot_cli import engine


def _labelled(owner: str) -> str:
    command = ["docker", "network", "ls", "-q", "--filter", f"label=dev.oneshot.owner={owner}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.docker
def test_what_bears_an_owners_label_goes() -> None:
    for owner in ("test-reap", "test-reap-other"):
        label = f"dev.oneshot.owner={owner}"
        subprocess.run(
            ["docker", "network", "create", "--internal", "--label", label, owner], check=True, capture_output=True
        )
    try:
        engine.reap("test-reap")
        assert _labelled("test-reap") == ""
        assert _labelled("test-reap-other")
    finally:
        engine.reap("test-reap-other")


def test_without_docker_there_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    engine.reap("test-reap")

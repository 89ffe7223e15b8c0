"""Whether Docker answers, told by the real `docker` command where there is one, and by stand-ins for what a machine may have."""

from pathlib import Path

import pytest

from oneshot_cli import engine


def _docker(folder: Path, script: str) -> str:
    file = folder / "docker"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return f"{folder}:/bin:/usr/bin"


@pytest.mark.parametrize(
    ("script", "missing"),
    [
        ("exit 0", ""),
        ("exit 1", "no Docker engine answers"),
        ('test "$1" = version', "Docker Buildx is missing"),
    ],
)
def test_what_is_missing(script: str, missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", _docker(tmp_path, script))
    assert engine.missing() == missing


def test_no_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert engine.missing() == "there is no docker command"


@pytest.mark.docker
def test_the_real_command(monkeypatch: pytest.MonkeyPatch) -> None:
    assert engine.missing() == ""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    assert engine.missing() == "no Docker engine answers"

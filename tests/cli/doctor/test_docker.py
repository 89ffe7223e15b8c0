"""Docker, with the real engine and stand-ins on the command line for other machines' answers."""

import socket
from pathlib import Path

import pytest

from cli.broken import docker_script
from cli.doctor.conftest import Make
from oneshot_cli.doctor import docker

CHECKS = (docker.command, docker.engine, docker.buildx, docker.base_image, docker.disk)


@pytest.mark.docker
def test_the_real_one(make: Make) -> None:
    machine = make("docker")
    assert [check(machine).state for check in CHECKS] == ["ok"] * 5


def test_without_docker_a_local_run_starts(make: Make, place: Path) -> None:
    machine = make("", PATH=str(place), DOCKER_HOST="unix:///nonexistent.sock")
    assert [check(machine).state for check in CHECKS] == ["warn", "warn", "skip", "skip", "skip"]


@pytest.mark.docker
def test_images_that_are_not_here(make: Make, place: Path) -> None:
    check = docker.base_image(make("docker", PATH=docker_script(place, "image*) exit 1;;")))
    assert check.state == "warn"
    assert "sudo scripts/docker-debian.sh python:3.13-slim-trixie" in check.mend


@pytest.mark.docker
def test_a_disk_that_is_full(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "_FREE_BYTES", 1 << 60)
    assert docker.disk(make("docker")).mend == "docker system prune"


def _engine_says(make: Make, info: dict[str, object], **env: str) -> str:
    machine = make("docker", **env)
    vars(machine).update(info=info, without_docker="")
    check = docker.engine(machine)
    return f"{check.state}: {check.found}; {check.mend}"


def test_a_context_that_a_run_does_not_know(make: Make, place: Path) -> None:
    path = docker_script(place, "context*) echo unix:///run/user/1000/docker.sock; exit;;")
    env = {"DOCKER_HOST": "unix:///nonexistent.sock", "PATH": path}
    said = _engine_says(make, {"ServerVersion": "27"}, **env)
    assert said == (
        "fail: docker's context leads to unix:///run/user/1000/docker.sock, which a run does not know; "
        "export DOCKER_HOST=unix:///run/user/1000/docker.sock"
    )


def test_rootless_and_remote_engines_are_named(make: Make, place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place / "s"))
        listening.listen()
        here = _engine_says(
            make, {"ServerVersion": "27", "SecurityOptions": ["name=rootless"]}, DOCKER_HOST=f"unix://{place}/s"
        )
    assert here == f"ok: 27 at unix://{place}/s, rootless; "
    there = _engine_says(make, {"ServerVersion": "27"}, DOCKER_HOST="ssh://box")
    assert there.startswith("warn: 27 at ssh://box: its sandboxes do not reach the proxy")

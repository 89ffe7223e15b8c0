"""The composed stack's token, out of its container."""

import subprocess
from collections.abc import Iterator

import pytest

from oneshot_cli import composed
from oneshot_shared.errors import NotReady


@pytest.fixture
def port() -> Iterator[int]:
    """A published port of a container that looks like the composed orchestrator."""
    script = "mkdir /run/oneshot-token; echo the-token > /run/oneshot-token/token; sleep infinity"
    options = ["--init", "--label", "com.docker.compose.service=orchestrator", "--publish", "127.0.0.1::50053"]
    command = ["docker", "run", "--detach", *options, "python:3.13-slim-trixie", "sh", "-c", script]
    container = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    try:
        published = subprocess.run(["docker", "port", container, "50053"], capture_output=True, text=True, check=True)
        yield int(published.stdout.splitlines()[0].rpartition(":")[2])
    finally:
        subprocess.run(["docker", "rm", "--force", container], capture_output=True, check=True)


@pytest.mark.docker
def test_the_token_of_the_stack_on_a_port(port: int) -> None:
    assert composed.token(port) == "the-token"
    assert composed.token(1) == ""


def test_docker_that_cannot_be_asked_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    with pytest.raises(NotReady, match=r"cannot be had from docker \(.*nonexistent\.sock.*\); set ONESHOT_TOKEN_FILE"):
        composed.token(50053)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(NotReady, match=r"\(there is no docker command\); set ONESHOT_TOKEN_FILE to a copy"):
        composed.token(50053)

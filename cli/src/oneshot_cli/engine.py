"""Whether a Docker engine answers on this machine, without importing a client library."""

import contextlib
import shutil
import subprocess

from oneshot_shared.command import SECONDS, ask
from oneshot_shared.needs import OWNER_LABEL


def missing(timeout: float = SECONDS) -> str:
    """Empty when an engine and Buildx answer, else what is missing, in a few words."""
    if not shutil.which("docker"):
        return "there is no docker command"
    for command, what in (
        (["docker", "version", "--format", "{{.Server.Version}}"], "no Docker engine answers"),
        (["docker", "buildx", "version"], "Docker Buildx is missing"),
    ):
        answer = ask(command, timeout)
        if not answer.good:
            return answer.why or what
    return ""


def reap(owner: str) -> None:
    """Remove the containers and networks of a stack that was killed; one that lives must not be asked for."""
    label = f"label={OWNER_LABEL}={owner}"
    for found, remove in (
        (["ps", "-aq"], ["rm", "-f", "-v"]),
        (["network", "ls", "-q"], ["network", "rm"]),
        (["volume", "ls", "-q"], ["volume", "rm"]),
    ):
        with contextlib.suppress(FileNotFoundError, subprocess.TimeoutExpired):
            listed = subprocess.run(
                ["docker", *found, "--filter", label], capture_output=True, text=True, timeout=30, check=False
            )
            if names := listed.stdout.split():
                subprocess.run(["docker", *remove, *names], capture_output=True, timeout=60, check=False)

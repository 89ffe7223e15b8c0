"""Whether a Docker engine answers on this machine, without importing a client library."""

import contextlib
import shutil
import subprocess


def missing() -> str:
    """Empty when an engine and Buildx answer, else what is missing, in a few words."""
    if not shutil.which("docker"):
        return "there is no docker command"
    for command, what in (
        (["docker", "version", "--format", "{{.Server.Version}}"], "no Docker engine answers"),
        (["docker", "buildx", "version"], "Docker Buildx is missing"),
    ):
        try:
            if subprocess.run(command, capture_output=True, timeout=15, check=False).returncode:
                return what
        except subprocess.TimeoutExpired:
            return f"`{' '.join(command)}` does not answer"
    return ""


def reap(owner: str) -> None:
    """Remove the containers and networks of a stack that was killed; one that lives must not be asked for."""
    label = f"label=dev.oneshot.owner={owner}"
    for found, remove in ((["ps", "-aq"], ["rm", "-f", "-v"]), (["network", "ls", "-q"], ["network", "rm"])):
        with contextlib.suppress(FileNotFoundError, subprocess.TimeoutExpired):
            listed = subprocess.run(
                ["docker", *found, "--filter", label], capture_output=True, text=True, timeout=30, check=False
            )
            if names := listed.stdout.split():
                subprocess.run(["docker", *remove, *names], capture_output=True, timeout=60, check=False)

"""Whether a Docker engine answers on this machine, without importing a client library."""

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

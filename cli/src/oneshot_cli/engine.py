"""What a killed stack left at the Docker engine, without importing a client library."""

import contextlib
import subprocess

from oneshot_shared.needs import OWNER_LABEL


def reap(owner: str) -> None:
    """Remove the containers and networks of a stack that was killed; one that lives must not be asked for."""
    label = f"label={OWNER_LABEL}={owner}"
    for found, remove in ((["ps", "-aq"], ["rm", "-f", "-v"]), (["network", "ls", "-q"], ["network", "rm"])):
        with contextlib.suppress(FileNotFoundError, subprocess.TimeoutExpired):
            listed = subprocess.run(
                ["docker", *found, "--filter", label], capture_output=True, text=True, timeout=30, check=False
            )
            if names := listed.stdout.split():
                subprocess.run(["docker", *remove, *names], capture_output=True, timeout=60, check=False)

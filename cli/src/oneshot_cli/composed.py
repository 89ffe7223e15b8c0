"""The stack of `docker compose up` on this machine: its token, which lies in a volume that only its containers see."""

import contextlib
import subprocess

LOOPBACK = ("localhost", "127.0.0.1")
_TOKEN = "/run/oneshot-token/token"  # noqa: S105 -- a path, as compose.yaml has it
_SECONDS = 15


def token(port: int) -> str:
    """What the composed orchestrator that is published on a port of this machine wants; empty where there is none."""
    label = "label=com.docker.compose.service=orchestrator"
    for container in _docker("ps", "-q", "--filter", label, "--filter", f"publish={port}").split():
        if found := _docker("exec", container, "cat", _TOKEN).strip():
            return found
    return ""


def _docker(*arguments: str) -> str:
    with contextlib.suppress(FileNotFoundError, subprocess.TimeoutExpired):
        ended = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=_SECONDS, check=False)
        return "" if ended.returncode else ended.stdout
    return ""

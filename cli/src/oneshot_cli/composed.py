"""The stack of `docker compose up` on this machine: its token, which lies in a volume that only its containers see."""

from oneshot_shared.command import ask
from oneshot_shared.errors import NotReady

LOOPBACK = ("localhost", "127.0.0.1")
_TOKEN = "/run/oneshot-token/token"  # noqa: S105 -- a path, as compose.yaml has it


def token(port: int) -> str:
    """What the composed orchestrator that is published on a port of this machine wants; empty where there is none.

    :raises NotReady: docker cannot be asked.
    """
    label = "label=com.docker.compose.service=orchestrator"
    for container in _docker("ps", "-q", "--filter", label, "--filter", f"publish={port}").split():
        if found := _docker("exec", container, "cat", _TOKEN).strip():
            return found
    return ""


def _docker(*arguments: str) -> str:
    answer = ask(["docker", *arguments])
    if not answer.good:
        raise NotReady(
            f"the token of the composed stack cannot be had from docker ({answer.last_words}); set ONESHOT_TOKEN_FILE to a copy "
            "of it, or mend that"
        )
    return answer.out

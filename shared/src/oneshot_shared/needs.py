"""What a run needs of its machine. `oneshot run` and `oneshot doctor` ask here, and so say the same sentence."""

import errno
import importlib.util
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from oneshot_shared.command import SECONDS, ask
from oneshot_shared.errors import BadInput, NotReady, nearest

FREE_BYTES = 512 * 1024 * 1024
CODEX_VERSION = "0.163.0"
OWNER_LABEL = "dev.oneshot.owner"
DEFAULT_ENGINE = "unix:///var/run/docker.sock"
NO_DOCKER = "the docker command is missing; install docker-cli with the Buildx plugin, or use --backend local"
NO_BUILDX = "Docker Buildx is missing; install docker-buildx (or docker-buildx-plugin), or use --backend local"
_START = (
    "start Docker (for example `systemctl start docker`, or scripts/docker-debian.sh on Debian), or use --backend local"
)
_LET_IN = "let your user in with `sudo usermod -aG docker $USER` and log in again, or use --backend local"


def unknown_backend(name: str, known: Sequence[str]) -> BadInput:
    """What to say of a backend that a stack does not have."""
    return BadInput(f"backend {name!r} is unknown{nearest(name, list(known))}; this stack has: {', '.join(known)}")


def free_bytes(data: Path, who: str = "a run", wanted: int = 0) -> int:
    """What is free there. :raises NotReady: less than `who` needs; 0 stands for FREE_BYTES."""
    wanted = wanted or FREE_BYTES
    free = shutil.disk_usage(data).free
    if free < wanted:
        raise NotReady(
            f"only {free // 2**20} MiB are free at {data}, and {who} needs {wanted // 2**20}; free some space, for "
            "example with `docker system prune`, or set ONESHOT_DATA to another disk"
        )
    return free


def git() -> str:
    """The path of git. :raises NotReady: there is none."""
    if found := shutil.which("git"):
        return found
    raise NotReady("the git command is missing; install git, for example with `sudo apt-get install git`")


def no_engine(address: str, error: Exception) -> NotReady:
    """What to say of a Docker engine that cannot be reached."""
    number = getattr(error, "errno", None)
    words = (getattr(error, "strerror", None) or str(error)).splitlines()[0][:200].lower()
    why = "no socket" if number == errno.ENOENT else words
    step = _LET_IN if number == errno.EACCES else _START
    return NotReady(f"no Docker engine answers at {address} ({why}); {step}")


def knock(address: str, timeout: float = SECONDS) -> None:
    """Connect to where the engine listens, and no more; ssh and others are left alone. :raises OSError: nobody is there."""
    kind, _, place = address.partition("://")
    if kind == "unix":
        with socket.socket(socket.AF_UNIX) as knocking:
            knocking.settimeout(timeout)
            knocking.connect(place)
    elif kind == "tcp":
        host, _, port = place.rstrip("/").rpartition(":")
        if host and port.isdecimal():
            socket.create_connection((host.strip("[]"), int(port)), timeout).close()


def buildx(timeout: float = SECONDS) -> str:
    """What Docker Buildx says of itself. :raises NotReady: it is missing, or docker hangs."""
    if not shutil.which("docker"):
        raise NotReady(NO_DOCKER)
    answer = ask(["docker", "buildx", "version"], timeout)
    if answer.why:
        raise NotReady(f"{answer.why}; restart Docker (`sudo systemctl restart docker`), or use --backend local")
    if not answer.good:
        raise NotReady(NO_BUILDX)
    return answer.out


def codex_path() -> Path:
    """The Codex that is installed beside oneshot. :raises NotReady: there is none."""
    try:
        from codex_cli_bin import bundled_codex_path

        return Path(bundled_codex_path())
    except (ImportError, FileNotFoundError):
        raise NotReady(f"Codex is not installed beside oneshot; {_install_codex()}, or use --backend docker") from None


def codex(timeout: float = SECONDS) -> Path:
    """The same, and it runs. :raises NotReady: it is broken, or not the version that oneshot was tried with."""
    path = codex_path()
    answer = ask([str(path), "--version"], timeout)
    if not answer.good:
        what = f"does not run ({answer.last_words})"
    elif answer.out.split()[-1:] != [CODEX_VERSION]:
        what = f"says {answer.out[:80]!r}, and not {CODEX_VERSION}"
    else:
        return path
    raise NotReady(f"the Codex at {path} {what}; {_install_codex()}, or use --backend docker")


def _install_codex() -> str:
    wanted = f"openai-codex-cli-bin=={CODEX_VERSION}"
    if importlib.util.find_spec("pip"):
        return f"install it again with `{sys.executable} -m pip install --force-reinstall {wanted}`"
    return f"install it again with `uv pip install --reinstall --python {sys.executable} {wanted}`"

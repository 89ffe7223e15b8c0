"""What the stack in containers needs: Compose and five ports. No run on this machine's own stack does."""

import re
import shutil
import socket

import psutil

from oneshot_cli import places
from oneshot_cli.doctor.check import Check, ok, skip
from oneshot_cli.doctor.machine import SECONDS, Machine
from oneshot_shared.command import ask

# 2.7 waits for a one-shot `init` in `up --wait`, about 2.11 fills in ${COMPOSE_PROJECT_NAME}; 2.17 is the oldest that is surely both
_OLDEST = (2, 17)
_PORTS = {"CAPTURE": 50051, "PROXY": 50052, "ORCHESTRATOR": 50053, "GRADER": 50054, "FORWARD": 18080, "CAPTURE_HTTP": 50055}
_INSTALL = "install Compose v2 (docker-compose-plugin; on Debian: sudo scripts/docker-debian.sh)"


def version(machine: Machine) -> Check:
    """Compose v2, as compose.yaml needs it."""
    answer = machine.docker("compose", "version", "--short")
    if answer.why:
        return skip("Compose", answer.why)
    if not answer.good:
        return Check("Compose", "warn", f"{_instead()}; `docker compose up` needs v2 as docker's plugin", _INSTALL)
    numbers = tuple(int(number) for number in re.findall(r"\d+", answer.out)[:2])
    if numbers < _OLDEST:
        wanted = ".".join(map(str, _OLDEST))
        return Check("Compose", "warn", f"{answer.out} is too old; compose.yaml needs {wanted} or newer", _INSTALL)
    return ok("Compose", answer.out)


def _instead() -> str:
    """What is there in the plugin's place."""
    old = shutil.which("docker-compose")
    if not old:
        return "it is missing"
    found = ask([old, "version", "--short"], SECONDS)
    return f"only {'the retired ' if found.out.startswith('1.') else ''}docker-compose {found.out} is here ({old})"


def ports(machine: Machine) -> Check:
    """The ports of the composed stack on 127.0.0.1."""
    taken: list[tuple[str, int, str]] = []
    ours: list[int] = []
    for name, number in _numbers(machine).items():
        if not _taken(number):
            continue
        who = _who(machine, number)
        if who.startswith("our "):
            ours.append(number)
        else:
            taken.append((name, number, who))
    if taken:
        found = "; ".join(f"{number} is taken by {who}" for _, number, who in taken)
        others = " ".join(f"{name}={number + 100}" for name, number, _ in taken)
        mend = f"for `docker compose up` stop it, or take others: {others} docker compose up -d --wait"
        return Check("ports", "warn", found, mend)
    if ours:
        return ok("ports", f"{', '.join(map(str, ours))}: our composed stack")
    return ok("ports", f"{', '.join(map(str, _numbers(machine).values()))} are free")


def _numbers(machine: Machine) -> dict[str, int]:
    """Variable and port, as compose.yaml takes them: the shell's, else .env's, else the usual ones."""
    root = places.checkout()
    file = root / ".env" if root else None
    lines = file.read_text().splitlines() if file and file.is_file() else []
    given = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")) | dict(machine.env)
    names = {f"ONESHOT_PORT_{name}": usual for name, usual in _PORTS.items()}
    values = {name: given.get(name, "").strip() for name in names}
    return {name: int(values[name]) if values[name].isdecimal() else usual for name, usual in names.items()}


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _who(machine: Machine, port: int) -> str:
    """`our …`, a container or a process."""
    form = '{{.Names}}\t{{.Image}}\t{{.Label "com.docker.compose.service"}}'
    listed = machine.docker("ps", "--filter", f"publish={port}", "--format", form) if machine.info else None
    if listed and listed.out:
        name, image, service = listed.out.splitlines()[0].split("\t")
        return f"our {service}" if image.split(":")[0] == f"oneshot-{service}" else f"the container {name}"
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except (psutil.Error, OSError):
        pass
    return "a program of another user"

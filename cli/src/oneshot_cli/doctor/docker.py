"""Docker: command, engine, Buildx, images, and the disk that it writes to."""

import shutil

from oneshot_cli.doctor.check import Check, ok, refused, skip
from oneshot_cli.doctor.machine import SECONDS, Machine
from oneshot_shared import needs
from oneshot_shared.errors import NotReady

_BASE_IMAGE = "python:3.13-slim-trixie"
_FREE_BYTES = 4 * 2**30  # an environment, the relay and Codex take about 1.5 GiB, and a build as much again


def command(machine: Machine) -> Check:
    """The docker command, which builds images."""
    if not shutil.which("docker"):
        return refused("Docker command", NotReady(needs.NO_DOCKER), machine.bad("docker"))
    if machine.docker_missing:
        mend = "restart Docker (`sudo systemctl restart docker`), or use --backend local"
        return Check("Docker command", machine.bad("docker"), machine.docker_missing, mend)
    return ok("Docker command", f"{machine.docker('--version').out} at {shutil.which('docker')}")


def engine(machine: Machine) -> Check:
    """The engine, reached as a run reaches it: by DOCKER_HOST, else the usual socket."""
    name, address = "Docker engine", machine.engine_address
    try:
        needs.knock(address, SECONDS)
    except OSError as error:
        elsewhere = machine.docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}").out
        if machine.info and elsewhere != address:
            found = f"docker's context leads to {elsewhere}, which a run does not know"
            return Check(name, machine.bad("docker"), found, f"export DOCKER_HOST={elsewhere}")
        return refused(name, needs.no_engine(address, error), machine.bad("docker"))
    if machine.docker_missing:
        return skip(name, f"something answers at {address}")
    if not machine.info:
        silent = ConnectionError(machine.docker("version").last_words)
        return refused(name, needs.no_engine(address, silent), machine.bad("docker"))
    rootless = ", rootless" if "name=rootless" in (machine.info.get("SecurityOptions") or []) else ""
    found = f"{machine.info['ServerVersion']} at {address}{rootless}"
    if not address.startswith("unix://") and not machine.env.get("ONESHOT_ORCHESTRATOR_RELAY_UPSTREAM"):
        mend = "run the composed stack on that machine and use --endpoint, or use --backend local"
        return Check(name, "warn", f"{found}: its sandboxes do not reach the proxy of this machine", mend)
    return ok(name, found)


def buildx(machine: Machine) -> Check:
    """It builds the images."""
    if machine.docker_missing:
        return skip("Docker Buildx", machine.docker_missing)
    try:
        return ok("Docker Buildx", needs.buildx(SECONDS).removeprefix("github.com/docker/buildx "))
    except NotReady as error:
        return refused("Docker Buildx", error, machine.bad("docker"))


def base_image(machine: Machine) -> Check:
    """Images are built on it."""
    if not machine.info:
        return skip("base image", "no engine")
    if machine.docker("image", "inspect", "--format", "{{.Id}}", _BASE_IMAGE).good:
        return ok("base image", f"{_BASE_IMAGE} is here")
    mend = f"docker pull {_BASE_IMAGE} (no registry? on Debian: sudo scripts/docker-debian.sh {_BASE_IMAGE})"
    return Check("base image", "warn", f"{_BASE_IMAGE} is not here; the first build pulls it", mend)


def disk(machine: Machine) -> Check:
    """Room for images and sandboxes, where the engine's disk is this machine's."""
    root = str(machine.info.get("DockerRootDir", ""))
    try:
        free = shutil.disk_usage(root).free if machine.engine_is_here and root else None
    except OSError:
        free = None
    if free is None:
        return skip("Docker's disk", "not on this machine" if machine.info else "no engine")
    found = f"{free / 2**30:.1f} GiB free at {root}"
    if free < _FREE_BYTES:
        return Check("Docker's disk", "warn", f"only {found}", "docker system prune")
    return ok("Docker's disk", found)

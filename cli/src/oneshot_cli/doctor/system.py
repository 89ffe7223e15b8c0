"""This machine: Python, git, clock, the variables of web proxies."""

import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from oneshot_cli.doctor.check import Check, ok, refused, skip
from oneshot_cli.doctor.machine import BACKENDS, SECONDS, Machine
from oneshot_shared import needs
from oneshot_shared.command import ask
from oneshot_shared.errors import NotReady

_MAX_SKEW_SECONDS = 60
_DAY = 24 * 3600


def python(machine: Machine) -> Check:
    """It runs this, so it is new enough."""
    return ok("Python", f"{platform.python_version()} at {sys.executable}")


def git(machine: Machine) -> Check:
    """Every run records trees with it."""
    try:
        path = needs.git()
    except NotReady as error:
        return refused("git", error, machine.bad())
    answer = ask([path, "--version"], SECONDS)
    if not answer.good:
        return Check("git", machine.bad(), f"{path}: {answer.last_words}", "sudo apt-get install --reinstall git")
    return ok("git", answer.out.removeprefix("git version "))


def backend(machine: Machine) -> Check:
    """Where the next run would work, and why."""
    if machine.endpoint:
        return skip("backend", "the stack at the endpoint has its own")
    if machine.backend not in BACKENDS:
        return refused("backend", needs.unknown_backend(machine.backend, BACKENDS))
    why = "as asked" if machine.backend_asked else machine.without_docker or "it is ready"
    return ok("backend", f"{machine.backend} ({why})")


def clock(machine: Machine) -> Check:
    """TLS and tokens break on a clock that is off."""
    now = time.time()
    newest = Path(__file__).stat().st_mtime
    shown = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M:%S} UTC"
    mend = "set the clock, for example with `sudo timedatectl set-ntp true`"
    if now < newest - _DAY:
        return Check("clock", machine.bad(), f"it is {shown}, which is before this oneshot was installed", mend)
    try:
        theirs = datetime.fromisoformat(machine.info["SystemTime"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return ok("clock", shown)
    if (off := abs(theirs - now)) > _MAX_SKEW_SECONDS:
        return Check("clock", "warn", f"{shown}; the Docker engine's is {off:.0f} s off", f"{mend}, or restart Docker")
    return ok("clock", shown)


def web_proxy(machine: Machine) -> Check:
    """A web proxy for everything would catch what only leads to this machine: Codex does not spare loopback."""
    found = [name for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy") if machine.env.get(name)]
    if not found:
        return skip("web proxy", "none set")
    spared = {part.strip() for name in ("NO_PROXY", "no_proxy") for part in machine.env.get(name, "").split(",")}
    lacking = [host for host in ("127.0.0.1", "localhost") if host not in spared and "*" not in spared]
    if lacking:
        keep = ",".join(sorted(filter(None, spared)) + lacking)
        what = f"{' and '.join(found)} would also catch {' and '.join(lacking)}"
        return Check("web proxy", "warn", what, f"export NO_PROXY={keep} no_proxy={keep}")
    return ok("web proxy", f"{', '.join(found)}; loopback is spared")

"""Stacks: this data folder's, the one at an endpoint, and what stacks that are gone have left."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Awaitable
from pathlib import Path

from oneshot_cli import clients, places
from oneshot_cli.doctor.check import Check, ok, refused, skip
from oneshot_cli.doctor.machine import Machine
from oneshot_cli.stack import Ready, Stack
from oneshot_shared import version
from oneshot_shared.errors import BadInput, NotReady, sentence
from oneshot_shared.needs import OWNER_LABEL

_SECONDS = 3.0
_STARTING_SECONDS = 1.5


def embedded(machine: Machine) -> Check:
    """The background stack of this data folder."""
    name, stack = "stack", Stack(machine.data)
    if not machine.stack_alive:
        if stack.ready_file.exists():
            return Check(name, "warn", f"a stack was killed and left {stack.ready_file}", "oneshot down")
        return ok(name, "not up; the next command that needs it starts it")
    ready = _ready(stack)
    if not ready:
        return Check(
            name, machine.bad(), "a stack is starting or stopping and does not answer", f"try again, or see {stack.log}"
        )
    try:
        infos = asyncio.run(_within(clients.infos(stack)))
    except (OSError, RuntimeError) as error:
        return Check(name, machine.bad(), f"it does not answer ({sentence(error)})", "oneshot down --force")
    if silent := [info.service for info in infos if info.busy == clients.SILENT]:
        return Check(name, machine.bad(), f"{', '.join(silent)} {clients.SILENT}", "oneshot down --force")
    busy = ", ".join(info.busy for info in infos if info.busy)
    if ready.build == version.build():
        return ok(name, f"up, process {stack.pid()}, {busy or 'idle'}")
    if busy:
        found = f"a stack of another version ({ready.build}) is at work on {machine.data} ({busy})"
        mend = "wait for it with `oneshot runs watch`, or end it with `oneshot down --force`"
        return Check(name, machine.bad(), found, mend)
    return ok(name, f"up, of another version ({ready.build}) and idle; the next command replaces it")


def _ready(stack: Stack) -> Ready | None:
    until = time.monotonic() + _STARTING_SECONDS
    while not (ready := stack.ready()) and time.monotonic() < until:
        time.sleep(0.05)
    return ready


def endpoint(machine: Machine) -> Check:
    """The stack that --endpoint or ONESHOT_ENDPOINT names."""
    if not machine.endpoint:
        return skip("endpoint", "none given; runs use this machine's own stack")
    try:
        info = asyncio.run(_within(clients.remote_info(machine.endpoint, _SECONDS)))
    except (BadInput, NotReady, OSError, RuntimeError) as error:
        return refused("endpoint", error)
    if info.build.partition("+")[0] != version.VERSION:  # what follows tells the checkouts of one machine apart
        found = f"{machine.endpoint} answers, of another version ({info.build}; this is {version.VERSION})"
        return Check("endpoint", "warn", found, "start that stack again from this version")
    return ok("endpoint", f"{machine.endpoint} answers, version {info.build}; the token is good")


async def _within[T](work: Awaitable[T]) -> T:
    async with asyncio.timeout(_SECONDS + 1):
        return await work


def leftovers(machine: Machine) -> Check:
    """Containers, networks and sandboxes of stacks that are gone."""
    name, mine, alive = "leftovers", places.owner(machine.data), _alive(machine)
    gone = Counter({owner: n for owner, n in _labelled(machine).items() if owner not in alive})
    folders = machine.data / "state" / "sandboxes"
    here = 0 if machine.stack_alive else len(list(folders.glob("*")))
    found = []
    if gone[mine]:
        found.append(f"{gone[mine]} containers or networks of a stack that was killed")
    if here:
        found.append(f"{here} sandboxes in {folders}")
    if found:
        return Check(name, "warn", " and ".join(found), _mend(machine))
    others = ", ".join(f"{n} of {owner}" for owner, n in gone.items())
    return ok(name, f"none of this data folder{f'; of other stacks, alive or not: {others}' if others else ''}")


def _mend(machine: Machine) -> str:
    """A stack that was killed has left its marks, by which `down` knows; else the engine must be asked by hand."""
    if Stack(machine.data).leftovers():
        return "oneshot down"
    label = f"label={OWNER_LABEL}={places.owner(machine.data)}"
    return f"docker rm -f $(docker ps -aq --filter {label}); docker network rm $(docker network ls -q --filter {label})"


def _labelled(machine: Machine) -> Counter[str]:
    """How many things at the engine bear whose label."""
    if not machine.info:
        return Counter()
    form = f'{{{{.Label "{OWNER_LABEL}"}}}}'
    lists = (["ps", "-a"], ["network", "ls"])  # the volume with the agent's files stays on purpose
    answers = [machine.docker(*what, "--filter", f"label={OWNER_LABEL}", "--format", form) for what in lists]
    return Counter(line for answer in answers if answer.good for line in answer.out.splitlines())


def _alive(machine: Machine) -> set[str]:
    """Stacks of this user that run."""
    return {found.parent.name for found in machine.runtime.parent.glob("*/orchestrator.sock") if _answers(found)}


def _answers(listening: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(listening)) == 0

"""Variables that the services of this machine's stack read: one that is wrong keeps it from starting."""

import sys

from oneshot_cli.doctor.check import Check, ok, refused
from oneshot_cli.doctor.machine import SECONDS, Machine
from oneshot_cli.stack import SERVICES
from oneshot_cli.supervisor import idle_seconds
from oneshot_shared.command import ask
from oneshot_shared.errors import NotReady

_NAME = "service settings"
_PROGRAM = """\
from oneshot_{service}.settings import {model} as model
from oneshot_shared.settings import load
load(model)
"""
_BY_THE_STACK = ("TOKEN_FILE", "DATA")  # what the supervisor sets
_ALSO = {"orchestrator": ("PROXY", "GRADER")}


def services(machine: Machine) -> Check:
    """Each service's own model decides, in a process of its own: services are never imported here."""
    try:
        idle_seconds()
    except NotReady as error:
        return refused(_NAME, error, machine.bad_start)
    found = []
    for service in SERVICES:
        prefix = f"ONESHOT_{service.upper()}_"
        given = [variable for variable in machine.env if variable.startswith(prefix)]
        found += given
        if given and (problem := _problem(machine, service, prefix)):
            variable = problem.split()[0].rstrip(":")
            what, _, known = problem.partition("; ")
            hint = known.partition("; known")[0]
            return Check(_NAME, machine.bad_start, what, f"unset {variable}, or: {hint}")
    return ok(_NAME, ", ".join(found) or "none set")


def _problem(machine: Machine, service: str, prefix: str) -> str:
    """What the service would say; nothing where it would start."""
    required = {f"{prefix}{name}": "/dev/null" for name in (*_BY_THE_STACK, *_ALSO.get(service, ()))}
    program = _PROGRAM.format(service=service, model=f"{service.title()}Settings")
    answer = ask([sys.executable, "-c", program], SECONDS, dict(machine.env) | required)
    return "" if answer.good else answer.why or answer.err.splitlines()[-1].partition(": ")[2]

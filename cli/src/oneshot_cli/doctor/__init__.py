"""oneshot doctor: one list of checks. Each is a small function from the machine to a Check; none changes anything.

check.py (what a check says), machine.py (what is looked at, facts found once), render.py (for people and programs);
the checks: system.py, folders.py, docker.py, compose.py, codex.py, keys.py, certificates.py, settings.py, stacks.py.
"""

from collections.abc import Callable

from oneshot_cli.doctor import certificates, codex, compose, docker, folders, keys, settings, stacks, system
from oneshot_cli.doctor.check import Check
from oneshot_cli.doctor.machine import Machine
from oneshot_shared.errors import sentence

CHECKS: tuple[Callable[[Machine], Check], ...] = (
    system.python,
    system.git,
    system.backend,
    system.clock,
    system.web_proxy,
    folders.data_folder,
    folders.disk,
    folders.runtime_folder,
    docker.command,
    docker.engine,
    docker.buildx,
    docker.base_image,
    docker.disk,
    compose.version,
    compose.ports,
    codex.pinned,
    codex.sandbox,
    codex.own,
    codex.login,
    codex.config,
    keys.values,
    keys.model_key,
    certificates.named,
    certificates.own,
    settings.services,
    stacks.embedded,
    stacks.endpoint,
    stacks.leftovers,
)


def examine(machine: Machine) -> list[Check]:
    """Every check, in order."""
    return [_done(check, machine) for check in CHECKS]


def _done(check: Callable[[Machine], Check], machine: Machine) -> Check:
    try:
        return check(machine)
    except Exception as error:  # noqa: BLE001 -- one odd machine must not hide what the other checks found
        name = f"{check.__module__.rpartition('.')[2]}.{check.__name__}"
        return Check(name, "warn", f"this check broke ({type(error).__name__}: {sentence(error)})", "report it, please")

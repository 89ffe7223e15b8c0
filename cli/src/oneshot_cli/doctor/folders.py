"""The folders of this machine's stack."""

from oneshot_cli import places
from oneshot_cli.doctor.check import Check, ok, refused
from oneshot_cli.doctor.machine import Machine
from oneshot_shared import needs
from oneshot_shared.errors import BadInput, NotReady


def data_folder(machine: Machine) -> Check:
    """Results land in it, also those of another stack."""
    try:
        places.check_data_folder(machine.data)
    except (BadInput, NotReady) as error:
        return refused("data folder", error)
    return ok("data folder", f"{machine.data}{'' if machine.data.exists() else ' (made at the first start)'}")


def disk(machine: Machine) -> Check:
    """Room for a run."""
    there = next(part for part in (machine.data, *machine.data.parents) if part.is_dir())
    try:
        free = needs.free_bytes(there)
    except NotReady as error:
        return refused("disk", error, machine.bad())
    return ok("disk", f"{free / 2**30:.1f} GiB free at {there}")


def runtime_folder(machine: Machine) -> Check:
    """Sockets, token and locks, for this user alone."""
    try:
        places.check_runtime_folder(machine.runtime)
    except NotReady as error:
        return refused("socket folder", error, machine.bad())
    later = "" if machine.runtime.exists() else " (made at the first start)"
    return ok("socket folder", f"{machine.runtime}{later}")

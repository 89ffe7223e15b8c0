"""Has works delivered to capture: by processes of their own, so that no tool waits for a stack, and whoever is killed delays it only.

A work is delivered by one process at a time; another that comes meanwhile leaves at once, since the first looks again at its end.
deliver.py is that process.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from oneshot_cli import locks, places
from oneshot_cli.pairing import rollout
from oneshot_cli.pairing.works import Work, Works
from oneshot_cli.repository import state
from oneshot_shared.errors import sentence

HIDDEN = "ONESHOT_HIDDEN"
"""Variable with the secrets of the agent's environment, which must not stand in its record; it goes no further than the delivery."""
_PLACES = ("ONESHOT_ENDPOINT", "ONESHOT_TOKEN_FILE", "ONESHOT_PORT_CAPTURE", places.RUNTIME_VARIABLE, "CODEX_HOME")
_LOOK_SECONDS = 0.2
_LOG = "delivery.log"


def the_places(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that lead a later delivery to the same stack, and to the agent's own record."""
    found = {name: environment[name] for name in _PLACES if environment.get(name)}
    return found | {"ONESHOT_DATA": str(places.data_folder(environment))}


def lock(works: Works, task_id: str) -> Path:
    """Held by who delivers a work."""
    return works.place(task_id) / "delivery.lock"


def spawn(works: Works, owing: Sequence[Work], environment: Mapping[str, str]) -> None:
    """Have works delivered, one after the other, by processes that outlive this one: one for each stack.

    One that cannot be started is the works' trouble, and not the caller's, whose own part is done: whoever comes next tries again.
    """
    for _, group in groupby(sorted(owing, key=_stack_of), key=_stack_of):
        same = list(group)
        try:
            _started(works, same, environment)
        except OSError as error:
            for work in same:
                with suppress(OSError):  # a full disk, which does not hold this either
                    works.change(work.task_id, trouble=f"its delivery could not be started: {sentence(error)}")


def resume(environment: Mapping[str, str] = os.environ) -> list[Work]:
    """Have everything delivered that is owed, and tidy up; returns what is owed. Quick: the work is others'."""
    works = Works.here(environment)
    works.sweep()
    owing = [work for work in works.all() if work.owes]
    spawn(works, owing, environment)
    return owing


async def send(works: Works, work: Work, environment: Mapping[str, str] = os.environ) -> Work:
    """Deliver a work and wait for it, by whomever it is done; returns what became of it. Who is cancelled leaves it at work."""
    process = _started(works, [work], environment)
    while process.returncode is None or locks.is_held(lock(works, work.task_id)):  # noqa: ASYNC110 -- of other processes
        await asyncio.sleep(_LOOK_SECONDS)
    if process.returncode and not (left := works.get(work.task_id)).trouble and left.owes:
        log = (works.place(work.task_id) / _LOG).read_text(errors="replace").split("\n")
        words = next((line for line in reversed(log) if line.strip()), "nothing")
        works.change(work.task_id, trouble=f"the delivery ended with {process.returncode}; its log says: {words[:300]}")
    return works.get(work.task_id)


def _stack_of(work: Work) -> list[tuple[str, str]]:
    return sorted(work.where.items())


def _started(works: Works, same: Sequence[Work], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A process for works of the same stack."""
    given = {name: value for name, value in environment.items() if name not in _PLACES} | dict(same[0].where)
    # of a start's delivery too: where that is still at work when the task ends, it is the one that writes the record
    given[HIDDEN] = json.dumps(rollout.of_ancestors(), ensure_ascii=False)
    ids = [work.task_id for work in same]
    with (works.place(ids[0]) / _LOG).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "oneshot_cli.pairing.deliver", *ids],
            env=given | {state.VARIABLE: str(works.state)},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    threading.Thread(target=process.wait, daemon=True).start()  # so that it is no zombie where it ends first
    return process

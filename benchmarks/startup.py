"""What a person waits for before `oneshot` says a word: the installed command against `python -c pass`, same interpreter.

`startup_version` is `oneshot --version`, `startup_help` is `oneshot --help`. Neither may import what only a run needs.
"""

import asyncio
import subprocess
import sys
from functools import partial
from pathlib import Path

import measure
from oneshot_shared.errors import NotReady

REPEAT = 40
HEAVY = ("grpc", "pydantic", "pydantic_settings")
ONESHOT = Path(sys.executable).with_name("oneshot")


async def _run(*command: str | Path) -> str:
    """Run to the end; returns standard error."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, errors = await process.communicate()
    if process.returncode:
        raise NotReady(f"`{' '.join(map(str, command))}` ends with exit code {process.returncode}")
    return errors.decode()


async def _imports(argument: str) -> set[str]:
    lines = (await _run(sys.executable, "-X", "importtime", ONESHOT, argument)).splitlines()
    return {line.rpartition("|")[2].strip() for line in lines}


async def measured(repeat: int) -> list[measure.Measurement]:
    """Both. :raises NotReady: no installed command, or it imports too much."""
    if not ONESHOT.is_file():
        raise NotReady(f"there is no {ONESHOT}; install it with `make hello`, and use .venv/bin/python")
    found = []
    for argument in ("--version", "--help"):
        if heavy := sorted(await _imports(argument) & set(HEAVY)):
            raise NotReady(f"`oneshot {argument}` imports {', '.join(heavy)}; import it where it is used")
        ours, floor = partial(_run, ONESHOT, argument), partial(_run, sys.executable, "-c", "pass")
        found.append(await measure.interleaved(f"startup_{argument.strip('-')}", ours, floor, repeat))
    return found


if __name__ == "__main__":
    measure.main(__doc__, REPEAT, measured)

"""What a person waits for before `oneshot` says a word: the installed command against `python -c pass`, same interpreter.

`startup_version` is `oneshot --version`, `startup_help` is `oneshot --help`. Neither may import what only a run needs. `startup_mcp`
is `oneshot mcp`, for which Codex waits, with nobody to serve, against the import of the MCP library.
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
HEAVY_MCP = ("typer", "rich", "structlog", "docker", "tomlkit", "psutil", "pydantic_settings")
SERVED = "import mcp.server.lowlevel, mcp.server.stdio"
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
    """All three. :raises NotReady: no installed command, or it imports too much."""
    if not ONESHOT.is_file():
        raise NotReady(f"there is no {ONESHOT}; install it with `make hello`, and use .venv/bin/python")
    found = []
    for argument, banned, least in (
        ("--version", HEAVY, "pass"),
        ("--help", HEAVY, "pass"),
        ("mcp", HEAVY_MCP, SERVED),
    ):
        if heavy := sorted(await _imports(argument) & set(banned)):
            raise NotReady(f"`oneshot {argument}` imports {', '.join(heavy)}; import it where it is used")
        ours, floor = partial(_run, ONESHOT, argument), partial(_run, sys.executable, "-c", least)
        times = repeat if least == "pass" else max(repeat // 4, 1)
        found.append(await measure.interleaved(f"startup_{argument.strip('-')}", ours, floor, times))
    return found


if __name__ == "__main__":
    measure.main(__doc__, REPEAT, measured)

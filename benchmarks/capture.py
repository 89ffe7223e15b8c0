"""What a person waits for when a task starts and ends: the tools of `oneshot mcp`, against git's own way to make a tree.

`capture_start_N`, `capture_end_N`: from the call of start_task or end_task to its answer, in a repository of N tracked files (`--files`)
of which one was changed since; readiness, snapshot and the record on disk included. Floor: `git add -A && git write-tree` after
the same change, with an index of its own that one such command has brought up to date: the second one. Deliveries, which
go on in the background, are ended between the takes.
"""

import asyncio
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

import measure
from oneshot_cli.pairing.tools import Tools
from oneshot_shared.capture_core import Caller
from oneshot_shared.errors import NotReady

REPEAT = 9
FILES = (1_000, 50_000)
_FLOOR = "git add -A && git write-tree"
_A_FOLDER = 25
_SEED = 5
_TOLD = "The file 0/0.py lacks a value. Add it, as the others are."


@dataclass(frozen=True)
class _Repository:
    """Somebody's, with as many files; `taken`: seconds by what was done."""

    top: Path
    environment: dict[str, str]
    taken: dict[str, list[float]] = field(default_factory=dict)

    async def git(self, command: str, **more: str) -> None:
        process = await asyncio.create_subprocess_shell(
            command,
            cwd=self.top,
            env=self.environment | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        _, said = await process.communicate()
        if process.returncode:
            raise NotReady(f"`{command}` ends with exit code {process.returncode} ({said.decode().strip()})")

    async def take(self, name: str, doing: Awaitable[object]) -> None:
        """Change a file, then time what is done."""
        with (self.top / "0" / "0.py").open("a") as file:
            file.write(f"changed = {time.perf_counter_ns()}\n")
        begin = time.perf_counter()
        await doing
        self.taken.setdefault(name, []).append(time.perf_counter() - begin)
        for delivery in psutil.Process().children():
            delivery.terminate()
            await asyncio.to_thread(delivery.wait)


async def measured(repeat: int, files: Sequence[int]) -> list[measure.Measurement]:
    """Start and end for each number of files. :raises NotReady: git does not do as it should."""
    found = []
    for count in files:
        with tempfile.TemporaryDirectory(prefix="osb-") as folder:
            found += await _measured(Path(folder), count, repeat)
    return found


async def _measured(folder: Path, count: int, repeat: int) -> list[measure.Measurement]:
    repository = await _made(folder, count)
    index = {"GIT_INDEX_FILE": str(folder / "index")}
    await repository.git(f"cp .git/index {folder}/index && {_FLOOR}", **index)
    tools = Tools(repository.top, repository.environment)
    for number in range(-1, repeat):  # one round more, which warms everything
        await repository.take("floor", repository.git(_FLOOR, **index))
        await repository.take("start", tools.start_task(Caller(), title=f"Change file {number}"))
        await repository.take("floor", repository.git(_FLOOR, **index))
        await repository.take("end", tools.end_task(Caller(), summary="It was changed.", instructions=_TOLD))
        if number < 0:
            repository.taken.clear()
    floor = statistics.median(repository.taken["floor"])
    return [
        measure.Measurement(f"capture_{name}_{count}", statistics.median(repository.taken[name]), floor, repeat)
        for name in ("start", "end")
    ]


async def _made(folder: Path, count: int) -> _Repository:
    """A packed repository whose files are older than its index, as old ones are; settings and state are in the folder too."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "ONESHOT_STATE": str(folder / "state"),
        "ONESHOT_DATA": str(folder / "data"),
        "ONESHOT_ENDPOINT": "127.0.0.1:9",  # nobody listens there
    }
    repository = _Repository(folder / "repository", environment)
    await asyncio.to_thread(_write, repository.top, count)
    settings = "git config user.name P && git config user.email p@example.org && git config gc.auto 0"
    await repository.git(f"git init -q && {settings} && git add -A && git commit -qm all && git repack -adq")
    return repository


def _write(top: Path, count: int) -> None:
    lines = random.Random(_SEED)  # noqa: S311 -- sizes of files
    an_hour_ago = time.time() - 3600  # git reads whatever is as young as its index
    for number in range(count):
        file = top / str(number // _A_FOLDER) / f"{number}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"value_{line} = {number}\n" for line in range(lines.randrange(1, 60))))
        os.utime(file, (an_hour_ago, an_hour_ago))


if __name__ == "__main__":
    measure.main(__doc__, REPEAT, measured, FILES)

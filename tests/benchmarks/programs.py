"""Benchmarks are programs, and are run as a person runs them, each with a temporary folder of its own that must be empty at its end."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "benchmarks"


@asynccontextmanager
async def started(name: str, *arguments: str, **env: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, Path]]:
    """A benchmark at work, and its temporary folder: a short path, for there are sockets in it."""
    with tempfile.TemporaryDirectory(prefix="b-") as folder:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, FOLDER / name, *arguments),
            env=os.environ | {"TMPDIR": folder} | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            yield process, Path(folder)
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        assert list(Path(folder).iterdir()) == []


async def run(name: str, *arguments: str, **env: str) -> tuple[int | None, str, str]:
    """Exit code and both outputs."""
    async with started(name, *arguments, **env) as (process, _):
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()


def judged(output: str) -> dict[str, dict[str, Any]]:
    """Measurements by name, each on a line of its own and in the shape that is promised."""
    found = [json.loads(line) for line in output.splitlines()]
    for each in found:
        assert set(each) == {"name", "value", "floor", "ratio", "n", "unit"}
        assert min(each["value"], each["floor"], each["n"]) > 0
        assert abs(each["ratio"] - each["value"] / each["floor"]) < 0.05 * each["ratio"]
    return {each["name"]: each for each in found}

"""`oneshot mcp` with other tools behind it: the surface as it is, the core a test's.

python -m cli.toolserver CLASS, where CLASS is one of this module.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from oneshot_cli import mcp_server
from oneshot_shared.capture_core import Caller, Told


class Recording:
    """Writes every call to the file that ONESHOT_TEST_CALLS names, and answers it."""

    def __getattr__(self, name: str) -> Any:
        async def method(caller: Caller, **given: Any) -> Told:
            self.record({"tool": name, "caller": vars(caller), "given": given})
            return self.told(name)

        return method

    def record(self, called: dict[str, Any]) -> None:
        with Path(os.environ["ONESHOT_TEST_CALLS"]).open("a") as file:
            file.write(json.dumps(called) + "\n")

    def told(self, name: str) -> Told:
        return Told(f"{name}: task t-1", {"task_id": "t-1"})


class Slow(Recording):
    """Is there late, as on a machine under load."""

    def __init__(self) -> None:
        time.sleep(float(os.environ["ONESHOT_TEST_DELAY"]))


class Noisy(Recording):
    """Prints where the protocol is spoken, whole lines and half ones, and so do its children."""

    def __init__(self) -> None:
        sys.stdout.write("half a line at start")
        os.write(1, b"and another")

    def told(self, name: str) -> Told:
        print("a line", end="")
        os.write(1, b"half a line")
        subprocess.run(["sh", "-c", "printf half; echo a line"], check=True)
        return super().told(name)


class Leaving(Recording):
    """Ends the process, as far as it can."""

    def told(self, name: str) -> Told:
        raise SystemExit(3)


class Failing(Recording):
    """Raises what nobody expects."""

    def told(self, name: str) -> Told:
        raise KeyError("a detail that helps")


class Odd(Recording):
    """Answers what JSON cannot carry: half a character, a path, no number."""

    def told(self, name: str) -> Told:
        return Told("file \udcff", {"path": Path("/x\udcff"), "share": float("nan"), "none": None, "list": ("a",)})


class Empty(Recording):
    """Has nothing to say."""

    def told(self, name: str) -> Told:
        return Told("")


class Detached(Recording):
    """Leaves a process at work, as a delivery is."""

    def told(self, name: str) -> Told:
        process = subprocess.Popen(["sleep", os.environ["ONESHOT_TEST_DELAY"]], start_new_session=True)
        return Told(str(process.pid))


if __name__ == "__main__":
    with mcp_server.quiet():
        made = globals()[sys.argv[1]]()
    asyncio.run(mcp_server.serve(made))

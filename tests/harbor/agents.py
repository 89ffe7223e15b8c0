"""Stand-in agents that run inside Harbor's own process; nothing of ours can be imported here.

Each reads ONESHOT_STAND_IN, a JSON file {"script", "stdin"}, and writes what its script printed to that file with `.out` added.
"""

import base64
import json
import os
import shlex
from pathlib import Path

from harbor.agents.base import BaseAgent


class StandIn(BaseAgent):
    """Runs one shell script in the agent's container, as its user."""

    @staticmethod
    def name():
        return "stand-in"

    def version(self):
        return "1"

    async def setup(self, environment):
        pass

    async def run(self, instruction, environment, context):
        file = Path(os.environ["ONESHOT_STAND_IN"])
        job = json.loads(file.read_text())
        stdin = base64.b64encode(job["stdin"].encode()).decode()
        command = f"echo {stdin} | base64 -d | sh -c {shlex.quote(job['script'])}"
        done = await environment.exec(command, cwd="/app", timeout_sec=60)
        file.with_suffix(".out").write_text(done.stdout or "")

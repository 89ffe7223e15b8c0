"""What a model says to use a tool, on each of the surfaces by which Codex offers tools; and Codex, run on it to the end.

answers = [*tool(DEFERRED, "repo.start_task.v1", title="Add x"), *shell(DEFERRED, "echo x > x"), say("Done.")]
"""

import asyncio
import itertools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakes.codex import CODEX, PROVIDER, QUIET
from fakes.model_server import Answer, call, items

PLAIN, DEFERRED, CODE = "mock", "gpt-5.5", "gpt-6-sol"
"""Models by their surface: every tool in the request; found by a search of Codex's own; called from a script."""
SURFACES = (PLAIN, DEFERRED, CODE)
_SERVER = "mcp__oneshot"
_ids = itertools.count(1)


def tool(model: str, name: str, query: str = "", **arguments: Any) -> list[Answer]:
    """Call an MCP tool; where tools are deferred, after a search for some words."""
    flat = name.replace(".", "_")
    if model == CODE:
        return [_script(f"const r = await tools.{_SERVER}__{flat}({json.dumps(arguments)}); text(JSON.stringify(r));")]
    number = next(_ids)
    said = {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}", "name": flat}
    said |= {"namespace": _SERVER, "arguments": json.dumps(arguments), "status": "completed"}
    return [*([_search(query or name.split(".")[1])] if model == DEFERRED else []), items(said)]


def shell(model: str, command: str) -> list[Answer]:
    """Run a command."""
    if model == CODE:
        return [
            _script(f"const r = await tools.exec_command({json.dumps({'cmd': command})}); text(JSON.stringify(r));")
        ]
    return [call("exec_command", {"cmd": command}, f"call_{next(_ids)}")]


def _search(query: str) -> Answer:
    number = next(_ids)
    said = {"type": "tool_search_call", "id": f"ts_{number}", "call_id": f"call_{number}", "status": "completed"}
    return items(said | {"execution": "client", "arguments": {"query": query, "limit": 8}})


def _script(source: str) -> Answer:
    number = next(_ids)
    said = {"type": "custom_tool_call", "id": f"ct_{number}", "call_id": f"call_{number}", "status": "completed"}
    return items(said | {"name": "exec", "input": source})


@dataclass(frozen=True)
class Ran:
    """How Codex ended."""

    code: int
    events: list[dict[str, Any]]
    errors: str
    home: Path

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every call of an MCP tool, as Codex reports it: tool, arguments, result, error, status."""
        found = [event["item"] for event in self.events if event["type"] == "item.completed"]
        return [item for item in found if item["type"] == "mcp_tool_call"]

    @property
    def texts(self) -> list[str]:
        """What each call was answered."""
        return [each["result"]["content"][0]["text"] for each in self.calls]

    @property
    def statuses(self) -> list[tuple[str, str]]:
        """(tool, status) of each call."""
        return [(each["tool"], each["status"]) for each in self.calls]


async def run(
    folder: Path, base_url: str, *arguments: str, environment: Mapping[str, str] | None = None, config: str = ""
) -> Ran:
    """Run `codex exec` in `folder`/work, which must be there, with a home of its own beside it; `config`: added to its config.toml."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    more = PROVIDER.format(base_url=base_url, env_key="SCRIPT_KEY").replace("oneshot", "scripted")
    (home / "config.toml").write_text(QUIET.format(more=more) + config)
    fixed = {"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home), "SCRIPT_KEY": "none"}
    process = await asyncio.create_subprocess_exec(
        *(CODEX, "exec", "--json", "-s", "workspace-write", *arguments, "Do it."),
        env=fixed | dict(environment or {}),
        cwd=folder / "work",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, errors = await asyncio.wait_for(process.communicate(), 90)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    events = [json.loads(line) for line in out.decode().splitlines() if line.startswith("{")]
    return Ran(process.returncode or 0, events, errors.decode(), home)

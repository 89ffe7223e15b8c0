"""Sessions of the real Codex in which tasks were started and ended, on each of the surfaces by which it offers tools."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fakes.model_server import Answer, items, message
from oneshot.proxy.v1 import proxy_pb2 as pb
from proxy.exports import mcp_stub
from proxy.exports.sessions import REASONING, tool
from proxy.harness import Proxy
from proxy.test_codex import CODEX, CONFIG

TASK, OTHER = "greet-20261125-030904-e0595c", "part-20261125-040904-0a1b2c"
# what a model gets of tools depends on its name
SURFACES = {"plain": "mock", "deferred": "gpt-5.5", "code": "gpt-6-sol"}
_SERVER = """
[mcp_servers.oneshot]
command = {python}
args = {args}
required = true
default_tools_approval_mode = "approve"
"""
type Item = dict[str, Any]


def ours(surface: str, name: str, call_id: str, **arguments: str) -> Item:
    """A call of one of our tools."""
    if surface == "code":
        return script(f"text(await tools.mcp__oneshot__repo_{name}_v1({json.dumps(arguments)}))", call_id)
    return tool(f"repo_{name}_v1", arguments, call_id, namespace="mcp__oneshot")


def shell(surface: str, command: str, call_id: str) -> Item:
    """A call that runs a command."""
    if surface == "code":
        return script(f"text(await tools.exec_command({json.dumps({'cmd': command})}))", call_id)
    return tool("exec_command", {"cmd": command}, call_id)


def patch(surface: str, file: str, line: str, call_id: str) -> Item:
    """A call that adds a file."""
    text = f"*** Begin Patch\n*** Add File: {file}\n+{line}\n*** End Patch"
    if surface == "code":
        return script(f"text(await tools.apply_patch({json.dumps(text)}))", call_id)
    if surface == "plain":
        return shell(surface, f"apply_patch <<'EOF'\n{text}\nEOF", call_id)
    return script(text, call_id) | {"name": "apply_patch"}


def script(text: str, call_id: str) -> Item:
    """A call of code mode."""
    made = {"type": "custom_tool_call", "id": f"ctc_{call_id}", "call_id": call_id, "status": "completed"}
    return made | {"name": "exec", "input": text}


def search(surface: str, call_id: str, query: str = "start evaluation task") -> list[Answer]:
    """A search for our tools, where they must be searched for."""
    if surface != "deferred":
        return []
    made = {"type": "tool_search_call", "id": f"ts_{call_id}", "call_id": call_id, "status": "completed"}
    return [items(made | {"execution": "client", "arguments": {"query": query}})]


def work(surface: str, repository: Path) -> list[Answer]:
    """A task: looked at before, ended in vain once, with a status in between; two files are written."""
    return [
        items(shell(surface, "ls; echo before > before.txt", "look")),
        *search(surface, "s1"),
        items(REASONING, message("I start the task."), ours(surface, "start_task", "start", title="Greet")),
        items(message("Now the first file."), shell(surface, f"printf one > {repository}/one.txt", "one")),
        items(ours(surface, "task_status", "status")),
        *search(surface, "s2", "end evaluation task"),
        items(ours(surface, "end_task", "end1", summary="One file.")),
        items(shell(surface, "printf two > two.txt; pwd", "two"), patch(surface, "three.txt", "3", "three")),
        items(REASONING, ours(surface, "end_task", "end2", summary="Two files.")),
        items(message("The task is ended.")),
    ]


def begin(folder: Path, proxy: Proxy, *ids: str) -> None:
    """Codex's home in a folder, with our tools where ids of tasks are given; and a repository."""
    home, repository = folder / "home", folder / "repository"
    home.mkdir(parents=True)
    config = CONFIG.format(port=proxy.port)
    if ids:
        args = [mcp_stub.__file__, *ids]
        config += _SERVER.format(python=json.dumps(sys.executable), args=json.dumps(args))
    (home / "config.toml").write_text(config)
    (repository / "sub").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", repository], check=True)


async def codex(folder: Path, token: str, model: str, *words: str, below: str = "") -> tuple[int, str]:
    """Codex, headless, in the folder's repository; its exit code and what it printed."""
    home = folder / "home"
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home), "ONESHOT_RUN_KEY": token}
    flags = ("--json", "--skip-git-repo-check", "-s", "workspace-write", "-m", model)
    where = folder / "repository" / below
    process = await asyncio.create_subprocess_exec(
        *(CODEX, "exec", *flags, "-C", where, *words),
        env=env,
        cwd=where,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, said.decode()


async def export(proxy: Proxy, number: int, session_id: str = "run-1", **part: str) -> tuple[bytes, Sequence[str]]:
    """The task's part of a session, and the losses."""
    document, last = b"", pb.ExportTraceResponse()
    asked = pb.ExportTraceRequest(
        session_id=session_id, format=number, slice=pb.Slice(task_id=TASK) if not part else pb.Slice(**part)
    )  # type: ignore[arg-type]
    async for last in proxy.stub.ExportTrace(asked):
        document += last.chunk
    return document, last.losses

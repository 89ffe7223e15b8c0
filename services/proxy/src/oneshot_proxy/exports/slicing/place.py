"""What was said by an agent that began below a repository's top, as one says it that begins at the top. Pure.

Codex runs commands and reads patches' paths where it began; a replay begins at the top of the tree.
"""

import html
import json
import re
from typing import Any

from oneshot_proxy import drift
from oneshot_proxy.cassette import Item
from oneshot_proxy.protocols import reading

_COMMANDS = ("exec_command", "shell_command", "shell")
_PATCHED = re.compile(r"(\*\*\* (?:(?:Add|Update|Delete) File|Move to): )(?!/)")
_RUN = re.compile(r"\btools\s*\.\s*(exec_command|shell_command)\b")


def below(items: list[Item], top: str) -> str:
    """The folder below the repository's top in which the agent of a request works; empty where it is the top, or elsewhere."""
    cwd = drift.cwd_of(items)
    return cwd.removeprefix(f"{top}/") if top and cwd.startswith(f"{top}/") else ""


def at_top(item: Item, top: str, folder: str) -> Item:
    """An item with the paths that were meant from a folder below the top."""
    kind, name = item.get("type", "message"), item.get("name")
    if kind == "message" and item.get("role") == "user":
        return item | {"content": _moved(item.get("content"), f"{top}/{folder}", top)}
    if kind == "function_call" and name in _COMMANDS:
        return item | {"arguments": _with_folder(reading.string(item.get("arguments")), folder)}
    if kind == "custom_tool_call":
        text = reading.string(item.get("input"))
        if name == "apply_patch" or "tools.apply_patch" in text:  # a patch in a command is applied where that runs
            text = _PATCHED.sub(lambda found: f"{found[1]}{folder}/", text)
        return item | {"input": _RUN.sub(lambda found: _running(found[1], folder), text)}
    return item


def _moved(content: Any, cwd: str, top: str) -> Any:  # noqa: ANN401 -- JSON
    """A message's content whose environment names the top."""
    if isinstance(content, list):
        return [part | {"text": _moved(part["text"], cwd, top)} if "text" in part else part for part in content]
    if not isinstance(content, str) or "<environment_context>" not in content:
        return content
    return drift.path_pattern(html.escape(cwd, quote=False)).sub(lambda _: html.escape(top, quote=False), content)


def _with_folder(arguments: str, folder: str) -> str:
    given = reading.json_object(arguments.encode())
    if given is None:
        return arguments
    stated = reading.string(given.get("workdir"))
    return arguments if stated.startswith("/") else json.dumps(given | {"workdir": f"{folder}/{stated}".rstrip("/")})


def _running(name: str, folder: str) -> str:
    """A function of a script that runs commands in a folder, where they name none from the root on."""
    where = (
        f'{{ ...a, workdir: a.workdir?.startsWith("/") ? a.workdir : {json.dumps(folder + "/")} + (a.workdir ?? "") }}'
    )
    return f"Object((a) => tools.{name}({where}))"

"""Tool calls and their results as a person would write them: commands as commands, patches as patches."""

import json
import re
import shlex
from typing import Any

_COMMANDS = ("cmd", "command")
_BODIES = ("input", "patch", "content", "code")
# what Codex puts before a command's output
_HEAD = re.compile(
    r"(?:Chunk ID: .*\n|Exit code: (-?\d+)\n)?Wall time: .*\n(?:Process exited with code (-?\d+)\n)?(?:.*\n)*?Output:\n"
)


def call(tool: dict[str, Any]) -> str:
    """One call of an ATIF step."""
    name, arguments = tool["function_name"], dict(tool.get("arguments") or {})
    for key in _COMMANDS:
        command = arguments.get(key)
        if isinstance(command, list) and all(isinstance(word, str) for word in command):
            command = command[2] if len(command) == 3 and command[1] in ("-c", "-lc") else shlex.join(command)
        if isinstance(command, str) and command:
            del arguments[key]
            rest = "".join(f"  # {each}={_short(value)}" for each, value in arguments.items())
            return "$ " + command.replace("\n", "\n  ") + rest
    for key in _BODIES:
        if isinstance(body := arguments.get(key), str):
            del arguments[key]
            return f"{name}({_listed(arguments)})\n{body}"
    return f"{name}({_listed(arguments)})"


def result(text: str) -> tuple[str, str]:
    """A result's own text, and its exit code where it is not 0."""
    if not (head := _HEAD.match(text)):
        return text, ""
    code = head[1] or head[2] or ""
    return text[head.end() :], "" if code == "0" else code


def _listed(arguments: dict[str, Any]) -> str:
    return ", ".join(f"{key}={_short(value)}" for key, value in arguments.items())


def _short(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)

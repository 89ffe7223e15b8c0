"""How Codex is told of `oneshot mcp`: the table [mcp_servers.oneshot], as -c overrides or in the person's config.toml.

Keys: facts of Codex 0.163 and 0.169. `required`: without it the first turn does not wait for the server, and the tool is "unsupported".
`default_tools_approval_mode`: without it `codex exec` refuses what it would have to ask for. `env_vars`: names, since a server on
stdio inherits next to nothing; their values stay out of files and arguments.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

NAME = "oneshot"
_ENVIRONMENT = (
    "CODEX_HOME",
    "DOCKER_HOST",
    "GIT_CEILING_DIRECTORIES",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "ONESHOT_BIND",
    "ONESHOT_DATA",
    "ONESHOT_ENDPOINT",
    "ONESHOT_IDLE_SECONDS",
    "ONESHOT_PORT_CAPTURE",
    "ONESHOT_PORT_FORWARD",
    "ONESHOT_PORT_GRADER",
    "ONESHOT_PORT_ORCHESTRATOR",
    "ONESHOT_PORT_PROXY",
    "ONESHOT_RUNTIME",
    "ONESHOT_SESSION",
    "ONESHOT_STATE",
    "ONESHOT_TOKEN_FILE",
    "RUN_ID",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
)
"""Beside HOME, PATH, LANG, LC_ALL, TMPDIR, TERM, USER and their like, which Codex passes on by itself. XDG_CONFIG_HOME is where git
finds the person's ignore file."""
_SECRET = ("KEY", "SECRET", "PASSWORD", "TOKEN")
_STARTUP_SECONDS = 60
_TOOL_SECONDS = 600


def table(environment: Iterable[str] = ()) -> dict[str, Any]:
    """The table for this installation. `environment`: names of variables that are set; further ONESHOT_ ones are passed on too."""
    more = [name for name in environment if name.startswith("ONESHOT_") and not any(word in name for word in _SECRET)]
    return {
        "command": str(Path(sys.executable).with_name("oneshot")),
        "args": ["mcp"],
        "env_vars": sorted({*_ENVIRONMENT, *more}),
        "enabled": True,
        "required": True,
        "default_tools_approval_mode": "approve",
        "startup_timeout_sec": _STARTUP_SECONDS,
        "tool_timeout_sec": _TOOL_SECONDS,
    }


def installed() -> dict[str, Any]:
    """The table for the person's config.toml. Not required there: an installation that was moved, or is broken, must not keep plain
    `codex` from starting in any folder; the price is that a `codex exec` does not wait for the tools before its first turn.
    """
    return table() | {"required": False}


def overrides(environment: Mapping[str, str]) -> list[str]:
    """The table as arguments of `codex`; they outrank whatever any config.toml says of a server of that name."""
    return arguments(table(environment))


def arguments(given: Mapping[str, Any]) -> list[str]:
    """A table of this server as arguments of `codex`."""
    return [part for key, value in given.items() for part in ("-c", f"mcp_servers.{NAME}.{key}={_toml(value)}")]


def _toml(value: object) -> str:
    """TOML of a text, a number or a list: JSON's, but for a character that TOML wants escaped."""
    import json

    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

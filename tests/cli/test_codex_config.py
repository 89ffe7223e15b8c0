"""The table that makes Codex start, await and trust `oneshot mcp`, as real Codex reads it."""

import json
import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

from cli.harness import ONESHOT
from fakes.codex import CODEX
from oneshot_cli import codex_config


def listed(home: Path, *arguments: str) -> dict[str, Any]:
    """Our server as `codex mcp list` tells it."""
    home.mkdir(exist_ok=True)
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home)}
    command = [str(CODEX), *arguments, "mcp", "list", "--json"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60)
    (server,) = [each for each in json.loads(done.stdout) if each["name"] == codex_config.NAME]
    return server


def test_codex_reads_the_overrides(tmp_path: Path) -> None:
    server = listed(tmp_path / "home", *codex_config.overrides({}))
    assert server["enabled"]
    assert (server["transport"]["type"], server["transport"]["command"]) == ("stdio", ONESHOT)
    assert server["transport"]["args"] == ["mcp"]
    assert server["transport"]["env_vars"] == codex_config.table()["env_vars"]
    assert (server["startup_timeout_sec"], server["tool_timeout_sec"]) == (60, 600)


def test_the_overrides_outrank_the_person_s_config(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text(
        '[mcp_servers.oneshot]\ncommand = "false"\nenabled = false\ntool_timeout_sec = 1\n'
    )
    assert listed(home, *codex_config.overrides({})) == listed(tmp_path / "other", *codex_config.overrides({}))


def test_names_are_passed_on_and_no_value_or_key() -> None:
    environment = {
        "ONESHOT_NEW": "value-1",
        "ONESHOT_RUN_KEY": "value-2",
        "OPENAI_API_KEY": "value-3",
        "HOME": "value-4",
    }
    said = codex_config.overrides(environment)
    assert "value-" not in " ".join(said)
    names = codex_config.table(environment)["env_vars"]
    assert {"ONESHOT_NEW", "ONESHOT_SESSION", "CODEX_HOME", "XDG_STATE_HOME"} <= set(names)
    assert not [name for name in names if "KEY" in name or "SECRET" in name or name.endswith("TOKEN")]


def test_any_text_is_toml() -> None:
    for text in ("/a b/ö'\"\\", "\x7f\x01\n", "\u2028", "=#[]"):
        (_, said) = codex_config.arguments({"command": text})
        assert tomllib.loads(said)["mcp_servers"]["oneshot"]["command"] == text


def test_only_a_pairing_session_demands_the_tools() -> None:
    assert codex_config.table()["required"]
    assert codex_config.installed() == codex_config.table() | {"required": False}

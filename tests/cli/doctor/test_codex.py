"""Codex: the real one beside oneshot, stand-ins for what people have."""

import json
from pathlib import Path

import pytest

from cli.doctor.conftest import Make
from oneshot_cli.doctor import codex
from oneshot_shared.needs import CODEX_VERSION

CANARY = "sk-canary-login"


def _command(place: Path, script: str) -> str:
    file = place / "codex"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return f"{place}:/bin:/usr/bin"


def test_the_pinned_one(make: Make) -> None:
    check = codex.pinned(make())
    assert check.state == "ok"
    assert check.found.startswith(f"{CODEX_VERSION} at /")
    assert codex.sandbox(make()).state == "ok"
    assert codex.sandbox(make("docker")).state == "skip"


def test_the_persons_own(make: Make, place: Path) -> None:
    assert codex.own(make(PATH="/bin")).state == "warn"
    assert codex.own(make(PATH=_command(place, "echo codex-cli 9.9.9"))).found == f"9.9.9 at {place / 'codex'}"
    broken = codex.own(make(PATH=_command(place, "echo oh >&2; exit 3")))
    assert (broken.state, broken.found) == ("warn", f"{place / 'codex'} does not run (oh)")


@pytest.mark.parametrize(
    ("auth", "state", "found"),
    [
        ({"auth_mode": "apikey", "OPENAI_API_KEY": CANARY}, "ok", "API key"),
        ({"OPENAI_API_KEY": CANARY}, "ok", "API key"),
        ({"auth_mode": "chatgpt", "tokens": {"access_token": CANARY}}, "warn", "can capture, but not run or judge"),
        ({"OPENAI_API_KEY": None, "tokens": {"access_token": CANARY}}, "warn", "can capture, but not run or judge"),
        ([CANARY], "warn", "not logged in"),
        (None, "warn", "not logged in"),
    ],
)
def test_the_kind_of_login(make: Make, place: Path, auth: object, state: str, found: str) -> None:
    if auth is not None:
        (place / "auth.json").write_text(json.dumps(auth))
    check = codex.login(make(CODEX_HOME=str(place), PATH="/bin"))
    assert check.state == state
    assert found in check.found
    assert CANARY not in f"{check}"


def test_a_key_beside_a_chatgpt_login_is_enough(make: Make, place: Path) -> None:
    (place / "auth.json").write_text('{"auth_mode": "chatgpt"}')
    assert codex.login(make(CODEX_HOME=str(place), OPENAI_API_KEY=CANARY)).state == "ok"


@pytest.mark.parametrize(
    ("says", "found"),
    [
        ("Logged in using ChatGPT", "ChatGPT:"),
        (f"Logged in using an API key - {CANARY}", "API key,"),
        ("?", "not logged in"),
    ],
)
def test_a_login_in_the_keyring_is_asked_for(make: Make, place: Path, says: str, found: str) -> None:
    check = codex.login(make(CODEX_HOME=str(place), PATH=_command(place, f"echo '{says}' >&2")))
    assert check.found.startswith(found)
    assert CANARY not in f"{check}"


@pytest.mark.parametrize(
    ("toml", "state", "found"),
    [
        ("[mcp_servers.oneshot", "warn", "cannot be read"),
        ('[mcp_servers.oneshot]\ncommand = "/no/oneshot"', "warn", "names '/no/oneshot', which is no command"),
        ('[mcp_servers.bench]\ncommand = "/no/uvx"\nargs = ["oneshot", "mcp"]', "warn", "[mcp_servers.bench]"),
        ('[mcp_servers.oneshot]\ncommand = "sh"', "ok", ": oneshot"),
        ('[mcp_servers.other]\ncommand = "/no/where"', "ok", "config.toml"),
        ("mcp_servers = 3", "ok", "config.toml"),
    ],
)
def test_the_mcp_configuration(make: Make, place: Path, toml: str, state: str, found: str) -> None:
    assert codex.config(make(CODEX_HOME=str(place))).state == "skip"
    (place / "config.toml").write_text(toml)
    check = codex.config(make(CODEX_HOME=str(place)))
    assert check.state == state
    assert found in check.found

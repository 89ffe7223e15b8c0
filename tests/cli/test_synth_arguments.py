"""Which of Codex's commands are recorded, as its real command line has them."""

import re
import subprocess

import pytest

from fakes.codex import CODEX
from oneshot_cli.synth_arguments import recorded

MODEL_CALLERS = {"exec", "review", "resume", "fork", "app-server"}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "fix\\ the\\ login exec",
        "exec fix",
        "e fix",
        "-m gpt-5.5 exec fix",
        "-c model=login -m login",
        "--config a=b -C /tmp/x resume --last",
        "--oss --search review",
        "exec -- --help",
        "-- login",
        "app-server",
        "mcp-server",
        "something-new",
    ],
)
def test_what_talks_to_a_model_is_recorded(line: str) -> None:
    assert recorded([word.replace("\\", "") for word in line.split(" ")] if line else [])


@pytest.mark.parametrize(
    "line",
    [
        "--help",
        "-h",
        "--version",
        "-V",
        "exec --help",
        "login",
        "-c a=b login status",
        "logout",
        "mcp list",
        "app-server daemon start",
    ],
)
def test_what_does_not_is_left_alone(line: str) -> None:
    assert not recorded(line.split(" "))


def test_every_command_of_codex_is_known() -> None:
    """A new one is recorded until somebody has looked at it, which is here."""
    said = subprocess.run([CODEX, "--help"], capture_output=True, text=True, check=True).stdout
    commands = set(
        re.findall(r"^  ([a-z-]+) ", said.partition("Commands:")[2].partition("Arguments:")[0], re.MULTILINE)
    )
    assert "exec" in commands
    assert {name for name in commands if recorded([name])} == MODEL_CALLERS | ({"mcp-server"} & commands)


def test_options_with_a_value_are_those_of_codex() -> None:
    said = subprocess.run([CODEX, "--help"], capture_output=True, text=True, check=True).stdout
    options = re.findall(r"^ +(?:(-[A-Za-z]), |)(--[a-z-]+) <", said, re.MULTILINE)
    for name in {"-i", "--image", *(name for option in options for name in option if name)}:
        assert not recorded([name, "login", "login"]), f"{name} has a value"
        assert recorded([name, "login"])
    assert len(options) > 10

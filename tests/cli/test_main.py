"""The command as a program: what it imports, what it says about itself, and how a fault of ours ends."""

import subprocess
import sys

import pytest

from cli.harness import House
from oneshot_cli.main import optional_value


def _python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=30, check=False
    )


def test_only_what_a_command_needs_is_imported() -> None:
    heavy = ("grpc", "pydantic", "rich", "docker", "asyncio", "google.protobuf")
    done = _python(f"import oneshot_cli.main, sys; print([n for n in {heavy!r} if n in sys.modules])")
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["run", "t", "--replay"], ["run", "t", "--replay=default"]),
        (["run", "--replay", "--json", "t"], ["run", "--replay=default", "--json", "t"]),
        (["run", "t", "--replay", "tape"], ["run", "t", "--replay", "tape"]),
        (["run", "t", "--replay=tape"], ["run", "t", "--replay=tape"]),
        ([], []),
    ],
)
def test_replay_takes_a_value_or_none(given: list[str], meant: list[str]) -> None:
    assert optional_value(given) == meant


def test_help_and_version(house: House) -> None:
    assert house("--version").out == "oneshot 0.1.0\n"
    helped = house("--help")
    assert helped.code == 0
    for name in ("demo", "run", "runs", "task", "doctor", "up", "status", "down", "Exit codes"):
        assert name in helped.out
    assert "oneshot demo" in house().out


@pytest.mark.parametrize("wrong", [["rum"], ["run"], ["run", "t", "--agnt", "x"], ["run", "t", "-n", "0"]])
def test_wrong_usage_is_exit_code_2_with_a_hint(house: House, wrong: list[str]) -> None:
    ended = house(*wrong)
    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert "for help" in ended.err


def test_a_fault_of_ours_is_no_verdict() -> None:
    program = """
from oneshot_cli import main
@main.app.command("boom")
def boom():
    raise KeyError("ours")
main.main()
"""
    done = _python(program, "boom")
    assert done.returncode == 3
    assert "KeyError" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("oneshot: this is a fault in oneshot itself")

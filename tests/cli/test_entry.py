"""What `oneshot` answers before its parser is imported is what the parser would say."""

import subprocess
import sys

import pytest

from cli.harness import ONESHOT, House

HEAVY = ("typer", "rich", "pydantic", "pydantic_settings", "grpc", "google.protobuf", "docker", "asyncio")


@pytest.mark.parametrize(("given", "code"), [(["--version"], 0), (["--help"], 0), (["-h"], 0), ([], 2)])
def test_it_needs_no_library(given: list[str], code: int) -> None:
    program = f"""
import atexit, sys
atexit.register(lambda: print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr))
from oneshot_cli.entry import main
main()
"""
    done = subprocess.run([sys.executable, "-c", program, *given], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, "[]\n")
    assert "oneshot" in done.stdout


def test_help_is_what_the_parser_says(house: House) -> None:
    asked_of_the_parser = "import sys; sys.argv[0] = 'oneshot'; from oneshot_cli.main import main; main()"
    for width in ("80", "200"):
        command = [sys.executable, "-c", asked_of_the_parser, "--help"]
        parsed = subprocess.run(command, capture_output=True, text=True, check=True, env=house.env | {"COLUMNS": width})
        assert house("--help").out == parsed.stdout


def test_a_reader_that_leaves_is_no_fault() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{ONESHOT} --help | true; exit ${{PIPESTATUS[0]}}"], capture_output=True, check=False
    )
    assert done.returncode in (0, 141)
    assert done.stderr == b""


def test_a_shell_gets_its_completions(house: House) -> None:
    asked = house(_ONESHOT_COMPLETE="complete_bash", COMP_WORDS="oneshot st", COMP_CWORD="1")
    assert asked.out == "status\n"

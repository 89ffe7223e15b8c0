"""Writes cli/src/oneshot_cli/help.txt, what `oneshot --help` prints at once, from the commands; CI demands an empty diff. Run by make docs."""

import os
import sys
from pathlib import Path

from typer.main import get_command

from oneshot_cli.main import app


def page() -> str:
    """The help of the command itself, for a terminal of 80 columns or more."""
    os.environ["COLUMNS"] = "80"
    command = get_command(app)
    with command.make_context("oneshot", [], resilient_parsing=True) as context:
        return command.get_help(context) + "\n"


if __name__ == "__main__":
    target = Path(__file__).parent.parent / "cli" / "src" / "oneshot_cli" / "help.txt"
    if "--check" in sys.argv and target.read_text() != page():
        raise SystemExit("help.txt is not what the commands say: run make docs and commit")
    target.write_text(page())

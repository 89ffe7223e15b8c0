"""The program `oneshot`: what needs no parser is answered before one is imported."""

import os
import sys

_COMPLETION = "_ONESHOT_COMPLETE"  # a shell asks for completions without arguments


def main() -> None:
    """Entry point."""
    given = sys.argv[1:]
    if given == ["--version"]:
        from oneshot_shared.version import VERSION

        _print(f"oneshot {VERSION}\n")
    elif given in (["--help"], ["-h"]) or (not given and _COMPLETION not in os.environ):
        from pathlib import Path

        _print(Path(__file__).with_name("help.txt").read_text())
        raise SystemExit(0 if given else 2)
    elif given == ["mcp"]:  # Codex waits for it at each start
        from oneshot_cli import mcp_server

        mcp_server.main()
    else:
        from oneshot_cli import main as full

        full.main()


def _print(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        from oneshot_cli import ending

        raise SystemExit(ending.closed_pipe()) from None


if __name__ == "__main__":
    main()

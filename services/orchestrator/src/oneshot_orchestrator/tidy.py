"""Removes what the local backend of a killed orchestrator left: `python -m oneshot_orchestrator.tidy OWNER STATE`."""

import sys
from pathlib import Path

from oneshot_orchestrator import folders
from oneshot_orchestrator.backends import local_sandbox


def main(owner: str, state: str) -> None:
    """Processes and folders of sandboxes; nobody may be at work on this data folder."""
    sandboxes = Path(state) / "sandboxes"
    local_sandbox.kill_all(f"{owner}/", sandboxes)
    folders.remove(sandboxes)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Where OneShot keeps what it knows of a person's repositories: never in them."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "ONESHOT_STATE"


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """ONESHOT_STATE, else the user's state folder; it may not exist yet."""
    if given := environment.get(VARIABLE):
        return Path(given).expanduser().absolute()
    import platformdirs

    return platformdirs.user_state_path("oneshot")


def exclude_file(state: Path, top: Path) -> Path:
    """The list of what snapshots of a working tree leave out, tracked or not, in gitignore's syntax; it may not exist."""
    return state / "repositories" / hashlib.sha256(os.fsencode(top)).hexdigest()[:16] / "exclude"

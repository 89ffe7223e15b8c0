"""The token of a stack: made once by whoever starts it, and then left alone."""

import os
import secrets
import sys
from pathlib import Path
from tempfile import mkstemp

_OF_A_GROUP = 0o640  # in containers: the orchestrator is another user than the rest, of the same group


def ensure(file: Path, mode: int = 0o600) -> Path:
    """The token's file, made where missing: it appears with its whole content, and never replaces another's."""
    if not file.exists():
        descriptor, place = mkstemp(prefix=".token-", dir=file.parent)
        try:
            with os.fdopen(descriptor, "w") as opened:
                opened.write(secrets.token_urlsafe(32))
                os.fchmod(opened.fileno(), mode)
            Path(file).hardlink_to(place)
        except FileExistsError:  # somebody else's came first
            pass
        finally:
            Path(place).unlink()
    return file


if __name__ == "__main__":
    ensure(Path(sys.argv[1]), _OF_A_GROUP)

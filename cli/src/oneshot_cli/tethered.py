"""Run by its path: turns into a command that SIGTERM reaches when whoever started it is gone, kill -9 included. Linux only.

A process of its own, since what is set between fork and exec is not safe in a parent with threads.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1  # prctl(2); it outlives exec
_CANNOT_EXECUTE = 126  # as shells say it


def words(command: Sequence[str]) -> list[str]:
    """What to start in place of a command."""
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def main(parent: str, *command: str) -> None:
    """Turn into the command."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # it was gone before it was asked for
        raise SystemExit(128 + signal.SIGTERM)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and exec would pass that on
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 -- the person's own command
    except OSError as error:
        print(f"oneshot: {command[0]!r} cannot be run: {error.strerror}", file=sys.stderr)
        raise SystemExit(_CANNOT_EXECUTE) from None


if __name__ == "__main__":
    main(*sys.argv[1:])

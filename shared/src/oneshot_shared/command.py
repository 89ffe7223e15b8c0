"""Asking a program of this machine something, within a time: it may be missing, broken or hanging."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SECONDS = 15.0


@dataclass(frozen=True)
class Answer:
    """What a program said; `why` tells in a few words why there is no exit code (`code` is then -1)."""

    code: int
    out: str = ""
    err: str = ""
    why: str = ""

    @property
    def good(self) -> bool:
        """It ran and ended with exit code 0."""
        return self.code == 0

    @property
    def last_words(self) -> str:
        """Why it went wrong: the reason, else its last line."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return self.why or (lines[-1].strip()[:200] if lines else f"exit code {self.code}")


def ask(argv: Sequence[str], timeout: float = SECONDS, env: Mapping[str, str] | None = None) -> Answer:
    """Run a program that only answers. One that does not in time is killed with its children."""
    try:
        process = subprocess.Popen(
            argv,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except FileNotFoundError:
        return Answer(-1, why=f"there is no {argv[0]} command")
    except OSError as error:
        return Answer(-1, why=f"{argv[0]} cannot be run ({(error.strerror or str(error)).lower()})")
    with process:
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            return Answer(-1, why=f"`{' '.join(argv)}` does not answer within {timeout:g} s")
    return Answer(process.returncode, out.strip(), err.strip())

"""How a command ends: exit codes, and one sentence for an error."""

import errno
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

PASS, FAIL, BAD, INVALID, CANCELLED, CLOSED_PIPE = 0, 1, 2, 3, 130, 141


def start(work: Coroutine[Any, Any, int]) -> None:
    """Run a command's coroutine; its result is the exit code, and an error becomes one sentence."""
    import asyncio

    from oneshot_shared.errors import BadInput, DataLoss, NotReady, sentence

    try:
        code = asyncio.run(work)
        sys.stdout.flush()
    except BrokenPipeError:
        code = closed_pipe()
    except (BadInput, NotReady, FileNotFoundError, FileExistsError, PermissionError) as error:
        _say(sentence(error))
        code = BAD
    except DataLoss as error:
        _say(sentence(error))
        code = INVALID
    except (ConnectionError, TimeoutError) as error:
        _say(f"the stack does not answer ({sentence(error)}); see `oneshot status`")
        code = INVALID
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        _say(sentence(error) + ("; free some space or set ONESHOT_DATA to another disk" if full else ""))
        code = BAD
    raise SystemExit(code)


def program(run: Callable[[], object]) -> None:
    """Run a program to its end. A fault of ours must not end with the exit code of a verdict."""
    try:
        run()
    except KeyboardInterrupt:
        raise SystemExit(CANCELLED) from None
    except Exception:  # noqa: BLE001 -- the boundary
        import traceback

        traceback.print_exc()
        _say("this is a fault in oneshot itself, not in your input; please report the lines above")
        raise SystemExit(INVALID) from None


def closed_pipe() -> int:
    """The exit code when whoever reads standard output has seen enough; at exit Python would complain again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return CLOSED_PIPE


def _say(text: str) -> None:
    print(f"oneshot: {text}", file=sys.stderr)

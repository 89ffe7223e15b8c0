"""codex-synth: Codex as ever, with its model calls recorded and the tools that make a task of the work.

Arguments are Codex's own and reach it untouched; so do signals and the terminal, and the exit code is Codex's. What talks to no
model (--help, --version, login, mcp …: see synth_arguments) needs no stack: there, Codex takes this program's place. Variables:

- CODEX_BIN: which Codex; else the PATH's.
- ONESHOT_RECORD=0: work without a recording. Where none can be made, that is said before Codex starts, with exit code 2: nothing is
  lost then, while a session that was silently not recorded would be.

What fails later (a recorder that is killed, a task that cannot be delivered) never ends the work, and is said when Codex is done.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import termios
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from oneshot_cli import ending, synth_arguments

if TYPE_CHECKING:
    from oneshot_cli.pairing.works import Work
    from oneshot_cli.recording import Recording

_INSTALL = "install it, for example with `npm install -g @openai/codex`"
_ENDED_FROM_OUTSIDE = (128 + signal.SIGHUP, 128 + signal.SIGTERM)


@dataclass(frozen=True)
class Paired:
    """How Codex ended, and the tasks that its session started or ended."""

    code: int
    works: "Sequence[Work]"


def codex(environment: Mapping[str, str]) -> str:
    """The Codex to run. :raises BadInput: CODEX_BIN is no program. NotReady: there is none."""
    from oneshot_shared.errors import BadInput, NotReady

    path = environment.get("PATH")
    if given := environment.get("CODEX_BIN"):
        if found := shutil.which(given, path=path):
            return found
        raise BadInput(
            f"CODEX_BIN is {given!r}, which is no program; set it to a Codex, or leave it out for the PATH's"
        )
    if found := shutil.which("codex", path=path):
        return found
    from oneshot_shared import needs

    another = ""
    with contextlib.suppress(NotReady):
        another = f", or use the one that runs use: export CODEX_BIN={needs.codex_path()}"
    raise NotReady(f"there is no codex on the PATH; {_INSTALL}{another}")


async def pair(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Paired:
    """Let a person and Codex work in this terminal, have the session's tasks delivered, and say on standard error what came of it.

    :raises BadInput, NotReady: no Codex, or nothing to record with; nothing was started then.
    """
    from oneshot_cli import codex_config, recording, synth_tasks
    from oneshot_shared.errors import sentence

    program, since = codex(environment), datetime.now(UTC)
    async with _recorded(environment) as found:
        session_id = found.session_id if found else ""
        variables = {"ONESHOT_SESSION": session_id, **({"RUN_ID": session_id} | dict(found.variables) if found else {})}
        whole = {**environment, **variables}
        with _terminal_as_it_was():
            code = await recording.run([program, *codex_config.overrides(whole), *arguments], whole)
        left = _told_to_leave()
        if code in _ENDED_FROM_OUTSIDE:  # the terminal is closed, or the machine goes down
            left.set()
    _print(recording.summary(found) if found else "oneshot: nothing was recorded (ONESHOT_RECORD=0)")
    # only now: a task's slice of a session that is still open may lack its last call
    try:
        works = await synth_tasks.settled(synth_tasks.Session(session_id, since), left, say)
    except (OSError, RuntimeError, ValueError) as error:
        works = ()
        say(
            f"the tasks of this session cannot be looked at ({sentence(error)}); what was started is kept, see oneshot task status"
        )
    for line in synth_tasks.lines(works):
        say(line)
    return Paired(code, works)


@asynccontextmanager
async def _recorded(environment: Mapping[str, str]) -> "AsyncIterator[Recording | None]":
    from oneshot_cli import clients, recording, recording_env
    from oneshot_shared.errors import NotReady, sentence

    async with AsyncExitStack() as opened:
        found = None
        if environment.get("ONESHOT_RECORD") != "0":
            for note in recording_env.notes(environment):
                say(note)
            try:
                stub = await opened.enter_async_context(clients.proxy())
                found = await opened.enter_async_context(recording.recording(stub, environment=environment))
            except (OSError, RuntimeError, ValueError) as error:
                raise NotReady(
                    f"this session could not be recorded, so Codex was not started: {sentence(error)}; to work unrecorded all the "
                    "same, set ONESHOT_RECORD=0"
                ) from None
        yield found


@contextmanager
def _terminal_as_it_was() -> Iterator[None]:
    """A Codex that is killed leaves the terminal raw, and what is printed there next could not be read."""
    before = termios.tcgetattr(0) if os.isatty(0) else None
    try:
        yield
    finally:
        with contextlib.suppress(termios.error, OSError):  # it is gone
            if before and os.tcgetpgrp(0) == os.getpgrp():
                termios.tcsetattr(0, termios.TCSADRAIN, before)


def _told_to_leave() -> asyncio.Event:
    """Set by the first signal that would have ended us."""
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    return told


def say(words: str) -> None:
    """Tell the person, if the terminal is still there."""
    _print(f"oneshot: {words}")


def _print(text: str) -> None:
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)


async def _work(arguments: Sequence[str]) -> int:
    if not synth_arguments.recorded(arguments):
        program = codex(os.environ)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and exec would pass that on
        os.execv(program, [program, *arguments])  # noqa: S606 -- the person's own command
    return (await pair(arguments)).code


def main() -> None:
    """The program."""
    ending.program(lambda: ending.start(_work(sys.argv[1:])))

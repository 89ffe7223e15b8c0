"""oneshot trace record."""

from typing import TYPE_CHECKING

import typer

from oneshot_cli import ending
from oneshot_cli.commands_trace import ENDPOINT, with_stub

if TYPE_CHECKING:
    from oneshot.proxy.v1.proxy_pb2_grpc import ProxyServiceAsyncStub


_COMMAND = typer.Argument(
    None, metavar="[-- COMMAND...]", help="What to run; without one, the variables are printed, until Ctrl-C."
)


def record(
    command: list[str] = _COMMAND,
    endpoint: str = ENDPOINT,
) -> None:
    """Record the model calls of a command, of whatever login: oneshot trace record -- codex. Exit code: the command's."""

    import sys

    if not command and sys.argv[-1] == "--":
        ending.start(_no_command())

    async def work(stub: "ProxyServiceAsyncStub") -> int:
        import os
        import shlex

        from oneshot_cli import recording, recording_env

        if command:
            recording.check(command)
        code = 0
        for note in recording_env.notes(os.environ):
            print(f"oneshot: {note}", file=sys.stderr)
        async with recording.recording(stub, endpoint) as found:
            if command:
                code = await recording.run(command, os.environ | found.variables)
            else:
                for name, value in found.variables.items():
                    print(f"export {name}={shlex.quote(value)}", flush=True)
                how = "Ctrl-C" if sys.stdin.isatty() else f"`kill {os.getpid()}`"
                print(f"oneshot: recording whatever runs with these variables, until {how}", file=sys.stderr)
                await recording.wait()
        print(recording.summary(found), file=sys.stderr)
        return code

    with_stub(endpoint, work)


async def _no_command() -> int:
    from oneshot_shared.errors import BadInput

    raise BadInput(
        "there is no command after --; give one, as in -- codex, or leave -- out to have the variables printed"
    )

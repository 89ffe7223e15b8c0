"""oneshot up, status, down: the embedded stack, said aloud."""

from typing import TYPE_CHECKING

import typer

from oneshot_cli import ending

if TYPE_CHECKING:
    from oneshot.info.v1 import info_pb2


def up() -> None:
    """Start the local stack, or join it. It leaves by itself after ten idle minutes."""

    async def work() -> int:
        from oneshot_cli import clients
        from oneshot_cli.lifecycle import joined
        from oneshot_cli.stack import Stack

        stack = Stack.here()
        await joined(stack)
        port = await clients.forward_port(stack)
        print(f"The stack is up: data in {stack.data}, logs in {stack.log.parent}.")
        print(f"Its forward proxy is on 127.0.0.1:{port}, its CA is {stack.authority}; see `oneshot trace record`.")
        return 0

    ending.start(work())


def status(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """Show what the local stack is doing; starts nothing. Exit code 0 when it is up, 3 when not."""

    async def work() -> int:
        from oneshot_cli import clients, json_out
        from oneshot_cli.stack import Stack

        stack = Stack.here()
        infos = await clients.infos(stack) if stack.ready() else []
        if as_json:
            rows = [
                {"service": i.service, "pid": i.pid, "build": i.build, "busy": i.busy, "idle_seconds": i.idle_seconds}
                for i in infos
            ]
            json_out.show({"up": bool(infos), "data": str(stack.data), "services": rows})
        elif not infos:
            print(f"No stack is up for {stack.data}; the next command that needs one starts it.")
        else:
            print(f"The stack is up: data in {stack.data}, logs in {stack.log.parent}.")
            for info in infos:
                print(f"  {_line(info)}")
        return ending.PASS if infos else ending.INVALID

    ending.start(work())


def _line(info: "info_pb2.GetInfoResponse") -> str:
    if not info.pid:
        return f"{info.service}: {info.busy}"
    state = info.busy or f"idle for {info.idle_seconds:.0f} s"
    return f"{info.service:<13} process {info.pid:<8} {info.build:<20} {state}"


def down(
    force: bool = typer.Option(False, "--force", help="Also when runs are at work: they are cancelled."),
) -> None:
    """Stop the local stack and remove what it holds."""

    async def work() -> int:
        from oneshot_cli import lifecycle
        from oneshot_cli.stack import Stack

        print(await lifecycle.left(Stack.here(), force=force))
        return 0

    ending.start(work())

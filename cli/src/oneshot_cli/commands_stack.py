"""oneshot up, status, down: the embedded stack, said aloud."""

import typer

from oneshot_cli import ending


def up() -> None:
    """Start the local stack, or join it. It leaves by itself after ten idle minutes."""

    async def work() -> int:
        from oneshot_cli.stack import Stack, joined

        stack = Stack.here()
        await joined(stack)
        print(f"The stack is up: data in {stack.data}, logs in {stack.log.parent}.")
        return 0

    ending.start(work())


def status(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """Show what the local stack is doing; starts nothing. Exit code 0 when it is up, 3 when not."""

    async def work() -> int:
        import json

        from oneshot_cli import clients
        from oneshot_cli.stack import Stack

        stack = Stack.here()
        infos = await clients.infos(stack) if stack.ready() else []
        if as_json:
            rows = [
                {"service": i.service, "pid": i.pid, "build": i.build, "busy": i.busy, "idle_seconds": i.idle_seconds}
                for i in infos
            ]
            print(json.dumps({"up": bool(infos), "data": str(stack.data), "services": rows}))
        elif not infos:
            print(f"No stack is up for {stack.data}; the next command that needs one starts it.")
        else:
            print(f"The stack is up: data in {stack.data}, logs in {stack.log.parent}.")
            for info in infos:
                state = info.busy or f"idle for {info.idle_seconds:.0f} s"
                print(f"  {info.service:<13} process {info.pid:<8} {info.build:<20} {state}")
        return ending.PASS if infos else ending.INVALID

    ending.start(work())


def down(
    force: bool = typer.Option(False, "--force", help="Also when runs are at work: they are cancelled."),
) -> None:
    """Stop the local stack and remove what it holds."""

    async def work() -> int:
        import asyncio

        from oneshot_cli import clients
        from oneshot_cli.stack import Stack
        from oneshot_shared.errors import NotReady

        stack = Stack.here()
        if not stack.alive():
            stack.tidy()
            print(f"No stack is up for {stack.data}.")
            return 0
        if not force and stack.ready() and (busy := await clients.busy(stack)):
            raise NotReady(f"the stack is at work ({busy}); wait for it, or cancel what runs with --force")
        await asyncio.to_thread(stack.stop)
        await asyncio.to_thread(stack.tidy)
        print("The stack is down.")
        return 0

    ending.start(work())

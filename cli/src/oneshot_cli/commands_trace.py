"""oneshot trace: what the proxy recorded."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import typer

from oneshot_cli import ending

if TYPE_CHECKING:
    from oneshot.proxy.v1.proxy_pb2_grpc import ProxyServiceAsyncStub

app = typer.Typer(help="Traces: what the proxy recorded of each session.", no_args_is_help=True)
_SESSION = typer.Argument(metavar="SESSION", help="Session id as `oneshot trace list` shows it; a run's is its run id.")
ENDPOINT = typer.Option("", "--endpoint", help="Another stack's host[:port]. (or ONESHOT_ENDPOINT)")
JSON = typer.Option(False, "--json", help="Print JSON.")


def with_stub(endpoint: str, work: "Callable[[ProxyServiceAsyncStub], Awaitable[int]]") -> None:
    """Run a command's work with the proxy's stub; its result is the exit code."""

    async def connected() -> int:
        from oneshot_cli import clients

        async with clients.proxy(endpoint) as stub:
            return await work(stub)

    ending.start(connected())


@app.command("list")
def list_sessions(
    limit: int = typer.Option(20, "--limit", min=1, max=10_000, help="At most so many, newest first."),
    endpoint: str = ENDPOINT,
    as_json: bool = JSON,
) -> None:
    """List recorded sessions, newest first: runs', live ones and the judge's."""

    async def work(stub: "ProxyServiceAsyncStub") -> int:
        import sys

        from oneshot.proxy.v1 import proxy_pb2 as pb
        from oneshot_cli import json_out, trace_rows

        found = (await stub.ListSessions(pb.ListSessionsRequest(limit=limit))).sessions
        if as_json:
            json_out.show([json_out.fields(each) for each in found])
        elif not found:
            print("No sessions yet; start with: oneshot demo")
        else:
            print("\n".join(trace_rows.fitted(trace_rows.sessions(found), sys.stdout)))
        return 0

    with_stub(endpoint, work)


@app.command("show")
def show_session(
    session: str = _SESSION,
    full: bool = typer.Option(False, "--full", help="Shorten nothing."),
    calls: bool = typer.Option(False, "--calls", help="One line a call instead of the conversation."),
    endpoint: str = ENDPOINT,
    as_json: bool = JSON,
) -> None:
    """Show a session: what was said, what the tools did, what each call took and cost."""

    async def work(stub: "ProxyServiceAsyncStub") -> int:
        from oneshot_cli import trace_fetch, trace_print

        found = await trace_fetch.session(stub, session)
        if calls:
            await trace_print.calls(stub, found, as_json=as_json)
        else:
            await trace_print.conversation(stub, found, full=full, as_json=as_json)
        return 0

    with_stub(endpoint, work)


@app.command("export")
def export_session(
    session: str = _SESSION,
    format_name: str = typer.Option(..., "--format", metavar="FORMAT", help="atif, rollout, cassette or raw."),
    output: str = typer.Option("-", "--output", "-o", metavar="FILE", help="Where to; - is standard output."),
    task: str = typer.Option("", "--task", metavar="TASK_ID", help="Only the work on this task; not for raw."),
    final_message: str = typer.Option(
        "", "--final-message", metavar="TEXT", help="With --task: what a replay ends with where the task was ended."
    ),
    endpoint: str = ENDPOINT,
) -> None:
    """Export a session, or the work on one task in it, in a format that others read; what the format cannot carry is said on standard error."""

    async def work(stub: "ProxyServiceAsyncStub") -> int:
        import sys
        from pathlib import Path

        from oneshot_cli import trace_fetch

        number = trace_fetch.format_number(format_name)
        part = trace_fetch.part(task, final_message)
        session_id = (await trace_fetch.session(stub, session)).session_id
        if output == "-":
            losses = await trace_fetch.document(stub, session_id, number, sys.stdout.buffer, part)
        else:
            with trace_fetch.whole_file(Path(output)) as file:
                losses = await trace_fetch.document(stub, session_id, number, file, part)
        trace_fetch.say_losses(losses)
        return 0

    with_stub(endpoint, work)

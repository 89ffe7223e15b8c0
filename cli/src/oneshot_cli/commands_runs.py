"""oneshot runs: what was run."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import typer

from oneshot_cli import ending

if TYPE_CHECKING:
    from oneshot.orchestrator.v1.orchestrator_pb2_grpc import OrchestratorServiceAsyncStub

app = typer.Typer(help="Runs: list, show, watch, cancel, and read their logs and diffs.", no_args_is_help=True)
_RUN = typer.Argument(metavar="RUN", help="Run id, as `oneshot runs list` shows it.")
_ENDPOINT = typer.Option("", "--endpoint", help="Another stack's host[:port]. (or ONESHOT_ENDPOINT)")
_JSON = typer.Option(False, "--json", help="Print JSON.")


def _with_stub(endpoint: str, work: "Callable[[OrchestratorServiceAsyncStub], Awaitable[int]]") -> None:
    async def connected() -> int:
        from oneshot_cli import clients

        async with clients.orchestrator(endpoint, any_build=True) as stub:
            return await work(stub)

    ending.start(connected())


@app.command("list")
def list_runs(
    limit: int = typer.Option(20, "--limit", min=1, max=10_000, help="At most so many, newest first."),
    endpoint: str = _ENDPOINT,
    as_json: bool = _JSON,
) -> None:
    """List runs, newest first."""

    async def work(stub: "OrchestratorServiceAsyncStub") -> int:
        from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
        from oneshot_cli import json_out, show

        runs = (await stub.ListRuns(pb.ListRunsRequest(limit=limit))).runs
        if as_json:
            json_out.show([json_out.fields(run) for run in runs])
        elif not runs:
            print("No runs yet; start with: oneshot demo")
        else:
            print("\n".join([show.HEADER, *(show.row(run) for run in runs)]))
        return 0

    _with_stub(endpoint, work)


@app.command("show")
def show_run(run: str = _RUN, endpoint: str = _ENDPOINT, as_json: bool = _JSON) -> None:
    """Show a run's result."""

    async def work(stub: "OrchestratorServiceAsyncStub") -> int:
        from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
        from oneshot_cli import artifacts, json_out, show

        found = (await stub.GetRun(pb.GetRunRequest(run_id=run))).run
        if as_json:
            json_out.show(json_out.fields(found))
        elif not found.ended_at:
            print(show.row(found))
        else:
            print(show.results(found, artifacts.present(found), cleaned=False))
        return 0

    _with_stub(endpoint, work)


@app.command("watch")
def watch(run: str = _RUN, endpoint: str = _ENDPOINT) -> None:
    """Follow a run to its end. Ctrl-C stops watching, not the run."""

    async def work(stub: "OrchestratorServiceAsyncStub") -> int:
        from oneshot_cli import running

        return await running.follow(stub, run)

    _with_stub(endpoint, work)


@app.command("cancel")
def cancel(run: str = _RUN, endpoint: str = _ENDPOINT) -> None:
    """Cancel a run and wait until its sandbox is gone."""

    async def work(stub: "OrchestratorServiceAsyncStub") -> int:
        from oneshot.orchestrator.v1 import orchestrator_pb2 as pb

        ended = (await stub.CancelRun(pb.CancelRunRequest(run_id=run))).run
        cancelled = ended.state == pb.RUN_STATE_CANCELLED
        print(f"Run {run} {'is cancelled' if cancelled else 'had finished before; its result stands'}.")
        return 0

    _with_stub(endpoint, work)


@app.command("logs")
def logs(
    run: str = _RUN,
    name: str = typer.Option("", "--name", help="One file of the run's logs/, for example build.log."),
    endpoint: str = _ENDPOINT,
) -> None:
    """Print what the agent, the build and the verification wrote."""

    async def work(stub: "OrchestratorServiceAsyncStub") -> int:
        import sys

        from oneshot_cli import artifacts, show
        from oneshot_shared.errors import BadInput, nearest

        folder = await artifacts.of_run(stub, run) / "logs"
        names = sorted(file.name for file in folder.glob("*"))  # empty folders are not fetched
        if name and name not in names:
            raise BadInput(
                f"run {run!r} has no log {name!r}{nearest(name, names)}; it has: {', '.join(names) or 'none'}"
            )
        for each in [name] if name else names:
            if not name:
                print(f"==> {each} <==")
            text = (folder / each).read_text(errors="replace")
            sys.stdout.write(show.plain(text) if sys.stdout.isatty() else text)
        return 0

    _with_stub(endpoint, work)


@app.command("diff")
def diff(run: str = _RUN, endpoint: str = _ENDPOINT) -> None:
    """Print what the agent changed, as a patch for `git apply`."""

    async def work(stub: "OrchestratorServiceAsyncStub") -> int:
        import sys

        from oneshot_cli import artifacts, show
        from oneshot_shared.errors import NotReady

        patch = await artifacts.of_run(stub, run) / "artifacts" / "diff.patch"
        if not patch.exists():
            raise NotReady(
                f"run {run!r} has no diff: it ended before its tree was collected; see `oneshot runs logs {run}`"
            )
        if sys.stdout.isatty():
            print(show.plain(patch.read_text(errors="replace")))
        else:
            sys.stdout.buffer.write(patch.read_bytes())
        return 0

    _with_stub(endpoint, work)

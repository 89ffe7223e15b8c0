"""oneshot doctor."""

import typer

from oneshot_cli import ending


def doctor(
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    backend: str = typer.Option("", "--backend", help="docker or local; as `oneshot run` chooses.", show_default=False),
    endpoint: str = typer.Option("", "--endpoint", help="Another stack's host[:port]. (or ONESHOT_ENDPOINT)"),
) -> None:
    """Show what is missing on this machine, and what mends it; changes nothing. Exit code 0 when a run would start, else 2."""
    import os
    import sys

    from oneshot_cli.doctor import examine, render
    from oneshot_cli.doctor.machine import Machine

    machine = Machine(backend, endpoint or os.environ.get("ONESHOT_ENDPOINT", ""))
    checks = examine(machine)
    typer.echo(render.as_json(checks) if as_json else render.as_text(checks, machine, sys.stdout))
    raise typer.Exit(ending.PASS if render.ready(checks) else ending.BAD)

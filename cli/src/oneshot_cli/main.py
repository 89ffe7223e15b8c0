"""The `oneshot` command with all its options. Only typer is imported here; each command imports what it needs when it runs."""

import sys

import typer

from oneshot_cli import (
    commands_doctor,
    commands_mcp,
    commands_run,
    commands_runs,
    commands_stack,
    commands_task,
    commands_task_check,
    commands_task_create,
    commands_task_work,
    commands_trace,
    commands_trace_record,
    commands_trace_store,
    ending,
)

app = typer.Typer(
    name="oneshot",
    help="Turn pair-programming sessions into coding-agent evaluations. First success: oneshot demo",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # to draw boxes, rich takes twice as long as all the rest of a help page
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 PASS, 1 FAIL, 2 bad input or set-up, 3 INVALID (nothing can be said), 130 cancelled.",
)
app.command("demo", short_help="Watch Codex solve the example task: no key, no account.")(commands_run.demo)
app.command("run")(commands_run.run)
app.add_typer(commands_runs.app, name="runs")
app.add_typer(commands_task.app, name="task")
commands_task.app.command("check")(commands_task_check.check)
commands_task.app.command("create")(commands_task_create.create)
for command in (
    commands_task_work.start,
    commands_task_work.end,
    commands_task_work.status,
    commands_task_work.abort,
    commands_task_work.send,
):
    commands_task.app.command()(command)
app.add_typer(commands_trace.app, name="trace")
commands_trace.app.command("record")(commands_trace_record.record)
commands_trace.app.command("verify")(commands_trace_store.verify)
commands_trace.app.command("prune")(commands_trace_store.prune)
app.command("doctor", short_help="Show what this machine lacks, and what mends it.")(commands_doctor.doctor)
app.add_typer(commands_mcp.app, name="mcp", hidden=True)
app.command("up")(commands_stack.up)
app.command("status")(commands_stack.status)
app.command("down")(commands_stack.down)


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Show the version and exit.")) -> None:
    if version:
        from oneshot_shared.version import VERSION

        typer.echo(f"oneshot {VERSION}")
        raise typer.Exit


def optional_value(arguments: list[str]) -> list[str]:
    """`--replay` alone means the task's own cassette: give it the value that says so."""
    ours = arguments.index("--") if "--" in arguments else len(arguments)  # what follows is another program's
    given = []
    for here, following in zip(arguments[:ours], [*arguments[:ours], "--"][1:], strict=True):
        given.append("--replay=default" if here == "--replay" and following.startswith("-") else here)
    return given + arguments[ours:]


def main() -> None:
    """Parse and run."""
    ending.program(lambda: app(args=optional_value(sys.argv[1:]), standalone_mode=True))

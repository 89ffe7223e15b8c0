"""oneshot run and demo."""

import os

import typer

from oneshot_cli import ending

_TASK = typer.Argument(metavar="TASK", help="Task folder, or the slug of a prepared task.")
_BACKEND = typer.Option("", "--backend", help="docker or local; docker where an engine answers.", show_default=False)
_JSON = typer.Option(False, "--json", help="Print the run as JSON on standard output; no progress.")


def run(
    task: str = _TASK,
    agent: str = typer.Option("codex", "--agent", help="codex, oracle (the reference), nop, or command."),
    model: str = typer.Option("", "--model", help="Model name as its provider knows it. (or OPENAI_MODEL)"),
    provider: str = typer.Option(
        "", "--provider", help="openai, openrouter, azure, vllm, compatible, anthropic. (default: openai)"
    ),
    command: str = typer.Option("", "--command", help="For --agent command: a shell command, run in the tree."),
    backend: str = _BACKEND,
    timeout: float | None = typer.Option(None, "--timeout", help="Seconds for the agent. (default: the task's)"),
    token_limit: int | None = typer.Option(None, "--token-limit", help="Tokens, in and out. (default: 2,000,000)"),
    cost_limit: float | None = typer.Option(None, "--cost-limit", help="US dollars. (default: 5)"),
    request_limit: int | None = typer.Option(None, "--request-limit", help="Model calls. (default: no limit)"),
    attempts: int = typer.Option(1, "-n", "--attempts", min=1, max=1000, help="Runs of the same task."),
    replay: str | None = typer.Option(
        None,
        "--replay",
        metavar="[CASSETTE|RUN]",
        help="Answer from the task's cassette, or from what an earlier run recorded: no key, no cost.",
    ),
    replay_timing: str = typer.Option(
        "", "--replay-timing", help="instant, or recorded: at the recorded pace. (default: instant)"
    ),
    run_id: str = typer.Option(
        "", "--run-id", envvar="RUN_ID", help="Name of the run. (default: made from time and task)"
    ),
    detach: bool = typer.Option(False, "--detach", help="Submit and return; see `oneshot runs watch`."),
    allow_unsandboxed: bool = typer.Option(
        False,
        "--allow-unsandboxed",
        help="local backend: let a live model work although Codex's own sandbox is missing.",
    ),
    endpoint: str = typer.Option("", "--endpoint", help="Another stack's host[:port]. (or ONESHOT_ENDPOINT)"),
    as_json: bool = _JSON,
) -> None:
    """Run an agent on a task, headless, and grade what it did. Ctrl-C cancels the run."""
    given = dict(locals()) | {"run_id": _own(run_id)}  # every option under its own name
    from oneshot_cli import running

    ending.start(running.run(running.Wish(**given)))


def _own(run_id: str) -> str:
    """Not codex-synth's RUN_ID, which names the session around us."""
    return "" if run_id == os.environ.get("ONESHOT_SESSION") else run_id


def demo(backend: str = _BACKEND, as_json: bool = _JSON) -> None:
    """Watch the real Codex CLI solve the example task from scripted answers: no key, no account, no Docker needed."""
    from oneshot_cli import running

    ending.start(running.demo(backend, as_json=as_json))

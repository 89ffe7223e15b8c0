"""oneshot task start|end|status|abort|send: the capture tools for people, and for agents without MCP."""

import typer

from oneshot_cli import ending

_JSON = typer.Option(False, "--json", help="Print JSON.")
_ID = typer.Argument("", metavar="[TASK_ID]", help="Left out: the one of this working tree.")
_TITLE = typer.Argument(metavar="TITLE", help="One line that names the task.")
_INSTRUCTIONS = typer.Option("", metavar="TEXT", help="What other agents will be told, without the answer.")
_LABELS = typer.Option([], "--label", metavar="WORD", help="May be given several times.")
_NOTES = typer.Option("", metavar="TEXT", help="For people; no agent sees them.")
_SUMMARY = typer.Option(..., metavar="TEXT", help="What was done, for people.")
_RUBRIC = typer.Option("", metavar="FILE", help="A rubric.toml, or criteria as JSON; left out: a default rubric.")
_TESTS = typer.Option([], "--test", metavar="TEST", help="A test id or a test file's path; may be given several times.")


def start(
    title: str = _TITLE,
    instructions: str = _INSTRUCTIONS,
    notes: str = _NOTES,
    labels: list[str] = _LABELS,
    as_json: bool = _JSON,
) -> None:
    """Start a task: what lies in this working tree now is its base. Nothing in the repository changes."""
    _call("start_task", as_json, title=title, instructions=instructions, notes=notes, labels=labels)


def end(
    summary: str = _SUMMARY,
    instructions: str = _INSTRUCTIONS,
    rubric: str = _RUBRIC,
    tests: list[str] = _TESTS,
    labels: list[str] = _LABELS,
    task_id: str = _ID,
    as_json: bool = _JSON,
) -> None:
    """End the open task: what lies in this working tree now is its solution."""
    words = {"summary": summary, "instructions": instructions, "tests": tests, "labels": labels, "task_id": task_id}
    _call("end_task", as_json, file=rubric, **words)


def status(task_id: str = _ID, as_json: bool = _JSON) -> None:
    """Show where a task stands."""
    _call("task_status", as_json, task_id=task_id)


def abort(task_id: str = _ID, as_json: bool = _JSON) -> None:
    """Give the open task up. The files stay as they are."""
    _call("abort_task", as_json, task_id=task_id)


def send(as_json: bool = _JSON) -> None:
    """Bring to the stack what could not be brought before, and wait for it."""

    async def work() -> int:
        import os

        from oneshot_cli import json_out
        from oneshot_cli.pairing import delivery, telling
        from oneshot_cli.pairing.works import Works

        works = Works.here(os.environ)
        sent = [await delivery.send(works, each) for each in delivery.resume(os.environ)]
        if as_json:
            json_out.show([telling.fields(each) for each in sent])
        elif not sent:
            print("Nothing is left to be sent.")
        for each in sent if not as_json else []:
            print(telling.status(each).text)
        return ending.BAD if any(each.owes or each.state == "refused" for each in sent) else ending.PASS

    ending.start(work())


def _call(method: str, as_json: bool, file: str = "", **words: object) -> None:
    """Call a tool in the current folder, as an agent would, and print what it tells. `file`: holds the rubric."""

    async def work() -> int:
        import os
        import sys
        from pathlib import Path

        from oneshot_cli import json_out
        from oneshot_cli.pairing.tools import Tools
        from oneshot_shared.capture_core import Caller
        from oneshot_shared.capture_tools import TOOLS, answer

        given = words | ({"rubric": Path(file).read_text()} if file else {})
        name = next(tool.name for tool in TOOLS if tool.method == method)
        told, failed = await answer(Tools.here(os.environ), TOOLS, name, given, Caller())
        if failed:
            print(f"oneshot: {told.text}", file=sys.stderr)
        elif as_json:
            json_out.show(dict(told.fields))
        else:
            print(told.text)
        return ending.BAD if failed else ending.PASS

    ending.start(work())

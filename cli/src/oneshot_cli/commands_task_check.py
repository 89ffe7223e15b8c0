"""oneshot task check."""

from pathlib import Path

import typer

from oneshot_cli import ending


def check(
    folder: str = typer.Argument(
        ".", metavar="FOLDER", help="A folder in the repository.", show_default="the current one"
    ),
    fix: bool = typer.Option(False, "--fix", help="Leave out what can safely be left out, on a list of our own."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Show whether a repository is a sound base for a task, and what mends it; changes nothing in it. Exit code 0 if so, else 2."""

    async def work() -> int:
        from oneshot_cli import json_out
        from oneshot_cli.repository import autofix, readiness, where
        from oneshot_cli.repository.readiness import report

        findings, mended = await readiness.check_folder(Path(folder)), []
        if fix and any(each.mendable for each in findings):
            mended = await autofix.autofix(await where.find(Path(folder)))
            findings = await readiness.check_folder(Path(folder))
        if as_json:
            json_out.show(report.as_fields(findings, mended))
        else:
            print(report.as_text(findings, mended))
        return ending.PASS if readiness.ready(findings) else ending.BAD

    ending.start(work())

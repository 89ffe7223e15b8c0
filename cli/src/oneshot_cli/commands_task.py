"""oneshot task: the tasks on this machine."""

import typer

from oneshot_cli import ending

app = typer.Typer(help="Tasks on this machine.", no_args_is_help=True)


@app.command("list")
def list_tasks(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """List the tasks: prepared ones can be run, created ones are to be prepared, the others are being captured."""

    async def work() -> int:
        from oneshot_cli import places, task_rows

        folder = places.data_folder() / "tasks"
        rows = task_rows.all_in(folder)
        if as_json:
            from oneshot_cli import json_out

            json_out.show(rows)
        elif not rows:
            print(f"No tasks in {folder}.")
        for row in rows if not as_json else []:
            tests = f"{row['tests']:>3} tests" if row["tests"] is not None else " " * 9
            print(f"{row['slug']:<30} {row['state']:<14} {tests}  {row['instruction']}")
        return 0

    ending.start(work())


@app.command("show")
def show(
    task_folder: str = typer.Argument(metavar="TASK", help="Task folder, or the slug of a prepared task."),
) -> None:
    """Show a task: instruction, tests, rubric, limits."""

    async def work() -> int:
        from oneshot_cli import places
        from oneshot_shared import task

        found = task.load(places.find_task(task_folder))
        print(f"{found.slug}  ({found.path})\n\n{found.instruction.strip()}\n")
        if found.expected:
            for group in ("fail_to_pass", "pass_to_pass"):
                print(f"{group}:")
                for test in getattr(found.expected, group):
                    print(f"  {test}")
        for line in found.rubric.criterion if found.rubric else []:
            print(f"rubric: {line.id} (weight={line.weight:g}, by {line.decided_by}): {line.description}")
        cassettes = sorted(file.stem for file in (found.path / "oneshot" / "cassettes").glob("*.jsonl"))
        print(
            f"agent time: {found.config.agent.timeout_sec:.0f} s; without Docker: "
            f"{'yes' if found.config.metadata.oneshot.local else 'no'}; cassettes: {', '.join(cassettes) or 'none'}"
        )
        return 0

    ending.start(work())

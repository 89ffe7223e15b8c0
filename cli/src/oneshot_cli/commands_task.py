"""oneshot task: the tasks on this machine."""

import typer

from oneshot_cli import ending

app = typer.Typer(help="Tasks on this machine.", no_args_is_help=True)


@app.command("list")
def list_tasks(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """List the prepared tasks."""

    async def work() -> int:
        from oneshot_cli import places
        from oneshot_shared import task
        from oneshot_shared.errors import BadInput

        rows = []
        folder = places.data_folder() / "tasks" / "prepared"
        for path in sorted(folder.glob("*/task.toml")):
            try:
                found = task.load(path.parent)
                tests = len(found.expected.fail_to_pass + found.expected.pass_to_pass) if found.expected else 0
                rows.append(
                    {"slug": found.slug, "tests": tests, "instruction": found.instruction.strip().split("\n")[0]}
                )
            except BadInput as error:
                rows.append({"slug": path.parent.name, "tests": 0, "instruction": f"unusable: {error}"})
        if as_json:
            from oneshot_cli import json_out

            json_out.show(rows)
        elif not rows:
            print(f"No tasks in {folder}.")
        for row in rows if not as_json else []:
            print(f"{row['slug']:<30} {row['tests']:>3} tests  {row['instruction']}")
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

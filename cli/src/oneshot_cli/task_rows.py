"""The rows of `oneshot task list`: what is prepared, created, or being captured."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

PREPARED, CREATED, CAPTURED = "prepared", "created", "being captured"


def all_in(tasks: Path) -> list[dict[str, Any]]:
    """{slug, state, tests, instruction} of every task of a data folder, and of this person's that are to go there.

    `tests`: how many; None where that is not known yet.
    """
    return [*_prepared(tasks / "prepared"), *_created(tasks / "created"), *_captured(tasks)]


def _row(slug: str, state: str, tests: int | None, instruction: str) -> dict[str, Any]:
    lines = instruction.strip().split("\n")
    return {"slug": slug, "state": state, "tests": tests, "instruction": lines[0]}


def _prepared(folder: Path) -> list[dict[str, Any]]:
    from oneshot_shared import task
    from oneshot_shared.errors import BadInput

    rows = []
    for path in sorted(folder.glob("*/task.toml")):
        try:
            found = task.load(path.parent)
        except BadInput as error:
            rows.append(_row(path.parent.name, PREPARED, 0, f"unusable: {error}"))
        else:
            tests = len(found.expected.fail_to_pass + found.expected.pass_to_pass) if found.expected else 0
            rows.append(_row(found.slug, PREPARED, tests, found.instruction))
    return rows


def _created(folder: Path) -> list[dict[str, Any]]:
    rows = []
    for path in sorted(folder.glob("[!.]*/instruction.md")):
        tests = None
        with suppress(OSError, ValueError, TypeError, KeyError):
            candidates = json.loads((path.parent / "oneshot" / "candidates.json").read_bytes())
            tests = len(candidates["fail_to_pass"]) + len(candidates["pass_to_pass"])
        rows.append(_row(path.parent.name, CREATED, tests, path.read_text(errors="replace")))
    return rows


def _captured(tasks: Path) -> list[dict[str, Any]]:
    from oneshot_cli.pairing.works import ENDED, REFUSED, STARTED, Works
    from oneshot_cli.repository import state

    works = Works(state.folder()).all()  # none is made where none is
    mine = [work for work in works if work.state in (STARTED, ENDED, REFUSED) and _goes_to(work.where) == tasks]
    return [_row(work.task_id, CAPTURED, None, f"{work.title} ({work.state} in {work.top})") for work in mine]


def _goes_to(where: Any) -> Path:  # noqa: ANN401 -- as a work has it
    return Path(where["ONESHOT_DATA"]) / "tasks"

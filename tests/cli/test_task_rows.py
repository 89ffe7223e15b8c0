"""The rows of `oneshot task list`."""

import json
from pathlib import Path

import pytest

from cli.harness import lay_task
from cli.pairing.works_made import made, made_ending, made_result
from oneshot_cli import task_rows
from oneshot_cli.pairing.works import Works


@pytest.fixture(autouse=True)
def works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Works:
    monkeypatch.setenv("ONESHOT_STATE", str(tmp_path / "state"))
    return Works.here({"ONESHOT_STATE": str(tmp_path / "state")})


def created(tasks: Path, name: str, candidates: str = "") -> None:
    folder = tasks / "created" / name
    (folder / "oneshot").mkdir(parents=True)
    (folder / "instruction.md").write_text("Mend add.\nIn all places.\n")
    if candidates:
        (folder / "oneshot" / "candidates.json").write_text(candidates)


def test_nothing_is_there(tmp_path: Path) -> None:
    assert task_rows.all_in(tmp_path / "tasks") == []


def test_prepared_created_and_being_captured(tmp_path: Path, works: Works) -> None:
    tasks = tmp_path / "tasks"
    lay_task(tasks / "prepared" / "hello")
    created(tasks, "mend_20260101_000000", json.dumps({"fail_to_pass": ["a"], "pass_to_pass": ["b", "c"]}))
    created(tasks, ".new-half")
    where = {"ONESHOT_DATA": str(tmp_path)}
    for number, state in enumerate(["started", "ended", "refused", "delivered", "aborted"]):
        works.make(f"w{number}")
        ended = {"ending": made_ending(), "result": made_result()} if state == "delivered" else {}
        works.add(
            made(task_id=f"w{number}", state=state, where=where, started_at=f"2026-01-0{number + 1}T00:00:00Z", **ended)
        )
    works.make("elsewhere")
    works.add(made(task_id="elsewhere", where={"ONESHOT_DATA": "/other"}))
    rows = task_rows.all_in(tasks)
    assert [(row["slug"], row["state"], row["tests"]) for row in rows] == [
        ("hello", "prepared", 6),
        ("mend_20260101_000000", "created", 3),
        *((f"w{number}", "being captured", None) for number in (2, 1, 0)),
    ]
    assert rows[1]["instruction"] == "Mend add."
    assert rows[4]["instruction"] == "Mend add (started in /home/ada/calc)"


@pytest.mark.parametrize("candidates", ["", "{", "{}", '{"fail_to_pass": 1, "pass_to_pass": []}'])
def test_a_created_task_whose_tests_are_unknown(tmp_path: Path, candidates: str) -> None:
    created(tmp_path, "mend", candidates)
    (row,) = task_rows.all_in(tmp_path)
    assert (row["slug"], row["tests"]) == ("mend", None)

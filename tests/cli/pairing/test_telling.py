"""A work in words and fields."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.pairing.works_made import made, made_ending, made_result
from oneshot_cli.pairing import telling


@pytest.mark.parametrize(
    ("since", "words"),
    [
        (timedelta(minutes=5), "5 min"),
        (timedelta(minutes=125), "2 h 5 min"),
        (timedelta(hours=47), "47 h 0 min"),
        (timedelta(days=3), "3 days"),
    ],
)
def test_age(since: timedelta, words: str) -> None:
    assert telling.age(made(started_at=(datetime.now(UTC) - since).isoformat())) == words


def test_a_start_names_its_tree_and_the_next_step() -> None:
    text = telling.started(made(remarks=("'big' was left out",))).text
    assert text.startswith(
        "Task mend-add-20260101-000000-abcdef is started: 'Mend add'. It begins with /home/ada/calc as it is now"
    )
    assert "Note: 'big' was left out." in text
    assert text.splitlines()[-1].startswith("Next: do the work")


def test_an_end_tells_each_remark_once() -> None:
    ending = made_ending(remarks=("twice", "once"), rubric_toml="")
    text = telling.ended(made(state="ended", remarks=("twice",), ending=ending)).text
    assert "Rubric: the default one." in text
    assert [line for line in text.splitlines() if line.startswith("Note")] == ["Note: twice.", "Note: once."]


def test_of_many_remarks_the_rest_is_counted() -> None:
    text = telling.started(made(remarks=tuple(str(number) for number in range(13)))).text
    assert [line for line in text.splitlines() if line.startswith("Note")][-2:] == ["Note: 9.", "Note: 3 more."]


def test_where_a_work_stands() -> None:
    ending = made_ending()
    created = made(state="delivered", ending=ending, result=made_result(remarks=("one",)))
    assert telling.status(created).text.splitlines() == [
        "Task mend-add-20260101-000000-abcdef ('Mend add') in /home/ada/calc: created, "
        "/home/ada/data/tasks/created/mend-add_20260101_000000 (3 files at the base, 2 changed in the solution, 1 in the tests).",
        "Note: one.",
        "Next: prepare it.",
    ]
    refused = telling.status(made(state="refused", ending=ending, trouble="it is too large"))
    assert "refused: it is too large. End it again, mended, or abort it" in refused.text
    waiting = telling.status(made(state="ended", ending=ending, trouble="no stack answers"))
    assert "failed: no stack answers. Nothing is lost: it is tried again now." in waiting.text
    assert "given up" in telling.status(made(state="aborted")).text


def test_a_folder_is_a_path_only_on_this_machine() -> None:
    where = {"ONESHOT_DATA": "/home/ada/data", "ONESHOT_ENDPOINT": "elsewhere:50053"}
    assert telling.folder(made(result=made_result(), where=where)) == "mend-add_20260101_000000"
    assert telling.folder(made()) == ""


def test_what_cannot_be_given_up_any_more() -> None:
    created = made(state="delivered", ending=made_ending(), result=made_result())
    assert "cannot be given up any more" in telling.aborted(created).text
    assert "the files in /home/ada/calc stay as they are" in telling.aborted(made(state="aborted")).text


def test_fields_are_for_programs() -> None:
    work = made(state="delivered", ending=made_ending(remarks=("b",)), result=made_result(remarks=("a", "b")))
    fields = telling.fields(work)
    assert (fields["state"], fields["remarks"]) == ("delivered", ["b", "a"])
    assert fields["counts"] == {"base_files": 3, "source_files": 2, "test_files": 1}
    assert fields["end_tree"] == "2" * 40
    assert "where" not in fields
    assert telling.fields(made())["counts"] == {}


def test_no_task_here_names_those_whose_tree_is_gone(tmp_path: Path) -> None:
    gone, there = made(top=str(tmp_path / "gone")), made(top=str(tmp_path))
    assert telling.none(tmp_path, [there]).text == f"no task was started in {tmp_path}; start one first"
    assert f"end or abort by its id: {gone.task_id} of {tmp_path}/gone" in telling.none(tmp_path, [gone]).text

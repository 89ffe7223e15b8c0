"""oneshot task."""

import shutil

from cli.harness import HELLO, ROOT, House, lay_task


def test_list(house: House) -> None:
    (row,) = house("task", "list", "--json").json
    assert row["slug"] == "hello-world"
    assert row["tests"] == 6
    assert row["instruction"] == (HELLO / "instruction.md").read_text().strip().split("\n")[0]
    assert house("task", "list").out.startswith("hello-world")


def test_the_tasks_that_ship_are_listed(house: House) -> None:
    rows = house("task", "list", "--json", ONESHOT_DATA=str(ROOT / "data")).json
    tests = {row["slug"]: row["tests"] for row in rows if not row["instruction"].startswith("unusable")}
    assert (tests["hello-world"], tests["retry-backoff"]) == (6, 38)


def test_a_task_that_cannot_be_used_is_listed_with_its_reason(own_house: House) -> None:
    other = own_house.task.with_name("other")
    lay_task(other)
    (other / "instruction.md").unlink()
    listed = own_house("task", "list")
    assert listed.code == 0
    good, bad = listed.out.splitlines()
    assert good.startswith("hello-world ")
    assert "unusable: task 'other' has no instruction.md; add it" in bad
    shutil.rmtree(own_house.data)
    assert own_house("task", "list").out.startswith("No tasks in ")
    assert own_house("task", "list", "--json").json == []
    assert not own_house.processes(), "looking at tasks starts nothing"


def test_show(house: House) -> None:
    shown = house("task", "show", "hello-world")
    assert shown.code == 0
    for words in (
        "tests/test_readme.py::test_ends_with_hello_world",
        "rubric: code_quality (weight=0.3, by judge)",
        "agent time: 900 s; without Docker: yes; cassettes: hello-world",
    ):
        assert words in shown.out
    missing = house("task", "show", "hello-wrld")
    assert missing.code == 2
    assert "did you mean 'hello-world'?" in missing.sentence

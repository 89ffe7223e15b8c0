"""What the tools are called with over HTTP."""

from oneshot_capture.http.arguments import OFFERED, EndTask, StartTask
from oneshot_shared.capture_tools import TOOLS, schema


def test_each_tool_takes_what_it_takes_elsewhere_and_more() -> None:
    for mine, theirs in zip(OFFERED, TOOLS, strict=True):
        assert (mine.name, mine.description, mine.reads) == (theirs.name, theirs.description, theirs.reads)
        assert schema(theirs)["properties"].keys() <= schema(mine)["properties"].keys()


def test_ids_are_taken_as_people_paste_them() -> None:
    start = StartTask.model_validate({"title": "x", "base_tree": f" {'A' * 40}\n"})
    assert start.given()["base_tree"] == "a" * 40
    end = EndTask.model_validate({"summary": "x", "end_tree": None, "pack": 7, "task_id": "t"})
    assert (end.end_tree, end.pack) == ("", "")

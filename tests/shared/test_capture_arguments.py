"""Models send what they like: strings for lists, JSON in strings, nulls, more keys. What can be understood is taken."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_shared import capture_checks
from oneshot_shared.capture_arguments import AbortTask, EndTask, StartTask
from oneshot_shared.capture_tools import TOOLS
from shared.test_capture_rubric import JSON


def end(**arguments: Any) -> dict[str, Any]:
    return EndTask.model_validate({"summary": "Done."} | arguments).given()


def test_what_is_left_out_is_empty() -> None:
    nothing = {"title": "x", "instructions": None, "notes": None, "labels": None, "why": "extra keys are left out"}
    assert StartTask.model_validate(nothing).given() == {"title": "x", "instructions": "", "notes": "", "labels": ()}
    assert end(rubric=None, tests=None) == {
        "summary": "Done.",
        "instructions": "",
        "rubric": (),
        "tests": (),
        "labels": (),
        "task_id": "",
    }
    assert AbortTask.model_validate({}).given() == {"task_id": ""}


@pytest.mark.parametrize(
    ("given_", "title"),
    [("Add x", "Add x"), (" Add\n  x\t", "Add x"), (7, "7"), (["Add", "x"], "Add x"), ("a" * 300, "a" * 199 + "…")],
)
def test_a_title_is_one_line(given_: Any, title: str) -> None:
    assert StartTask.model_validate({"title": given_}).title == title


@pytest.mark.parametrize(
    "labels", [["a", "b c"], '["a", "b c"]', "a, b c", "a\nb c", ("a", "b c", "a"), [" a ", None, "b\nc"]]
)
def test_labels_come_in_many_shapes(labels: Any) -> None:
    assert StartTask.model_validate({"title": "x", "labels": labels}).labels == ("a", "b c")


@pytest.mark.parametrize(
    ("tests", "found"),
    [
        ("tests/test_a.py::test_b", ("tests/test_a.py::test_b",)),
        ("- tests/test_a.py::test_b\n- `tests/test_c.py`", ("tests/test_a.py::test_b", {"path": "tests/test_c.py"})),
        (["tests/test_a.py", "./tests/"], ({"path": "tests/test_a.py"}, {"path": "tests"})),
        (["tests/test_a.py::test_b[x, y/z.py]"], ("tests/test_a.py::test_b[x, y/z.py]",)),
        (["adds two numbers", "TestAdd"], ("adds two numbers", "TestAdd")),
        ('["a::b"]', ("a::b",)),
        ({"path": "t.py", "content": "x"}, ({"path": "t.py", "content": "x"},)),
        ({"t.py": "x", "tests/u.py": "y"}, ({"path": "t.py", "content": "x"}, {"path": "tests/u.py", "content": "y"})),
        ([{"path": "t.py", "name": "test_b"}], ("t.py::test_b",)),
        ([{"path": "t.py", "id": "t.py::test_b"}, "t.py::test_b"], ("t.py::test_b",)),
        ([{"file": "t.py"}], ({"path": "t.py"},)),
        ({"fail_to_pass": ["a::b"], "pass_to_pass": ["a::c"]}, ("a::b",)),
        (
            {"fail_to_pass": '["a::b"]', "files": [{"path": "t.py", "content": ""}]},
            ("a::b", {"path": "t.py", "content": ""}),
        ),
        ({"pass_to_pass": ["a::c"]}, ()),
        (["/abs/t.py"], ({"path": "/abs/t.py"},)),
        ({}, ()),
    ],
    ids=str,
)
def test_tests_come_in_many_shapes(tests: Any, found: Any) -> None:
    assert end(tests=tests)["tests"] == found
    assert end(tests=json.dumps(tests))["tests"] == found


def test_a_rubric_may_be_toml_or_json_in_a_string() -> None:
    toml = '[[criterion]]\nid = "a"\nweight = 1\ndescription = "It works."\ndecided_by = "judge"\n'
    wanted = ({"id": "a", "weight": 1, "description": "It works.", "decided_by": "judge", "tests": []},)
    assert end(rubric=toml)["rubric"] == wanted
    assert end(rubric=json.dumps({"criteria": wanted}))["rubric"] == wanted


@pytest.mark.parametrize(
    "arguments",
    [
        {"tests": 7},
        {"tests": [7]},
        {"tests": [{"what": 1}]},
        {"tests": ["../x.py"]},
        {"tests": [{"path": ".git/hooks/x", "content": ""}]},
        {"tests": [{"content": "no path"}]},
        {"tests": [{"path": "/", "content": ""}]},
        {"rubric": "[[criterion"},
        {"rubric": "be good"},
        {"labels": {"a": 1}},
        {"labels": ["a" * 101]},
        {"labels": list(map(str, range(33)))},
        {"summary": {"a": 1}},
        {"summary": True},
        {"instructions": "x" * 100_001},
    ],
    ids=str,
)
def test_what_is_not_understood_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="Value error, "):
        end(**arguments)


@given(st.dictionaries(st.sampled_from(list(EndTask.model_fields)), JSON), st.sampled_from(TOOLS))
def test_nothing_breaks_them(arguments: dict[str, Any], tool: Any) -> None:
    for value in (arguments, {key: json.dumps(each) for key, each in arguments.items()}):
        with contextlib.suppress(ValidationError):
            tool.arguments.model_validate(value)


TEXT = st.text(st.characters())  # with half characters, too


@given(JSON | TEXT, JSON | st.lists(TEXT), TEXT)
def test_what_is_taken_capture_takes(title: Any, labels: Any, notes: str) -> None:
    with contextlib.suppress(ValidationError):
        found = StartTask.model_validate({"title": title, "labels": labels, "notes": notes}).given()
        capture_checks.check_start(pb.StartTaskRequest(task_id="t", base_tree="0" * 40, **found))

"""Every request is checked whole, before anything is written."""

from typing import Any

import pytest

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_shared import capture_checks
from oneshot_shared.errors import BadInput

BASE, END = "a" * 40, "b" * 40
START: dict[str, Any] = {"task_id": "t1", "title": "Add numbers", "base_tree": BASE}
ENDING: dict[str, Any] = {"task_id": "t1", "base_tree": BASE, "end_tree": END}
RUBRIC = b'[[criterion]]\nid = "all"\nweight = 1\ndescription = "Done."\ndecided_by = "judge"\n'


def test_good_ones() -> None:
    capture_checks.check_start(pb.StartTaskRequest(**START))
    more = {"instructions": "Do.", "notes": "a\nb\0", "labels": ["x", "ü y"], "session_id": "s-1"}
    capture_checks.check_start(pb.StartTaskRequest(**START, **more))
    assert capture_checks.check_ending(pb.Ending(**ENDING)) is None
    rubric = capture_checks.check_ending(pb.Ending(**ENDING, rubric_toml=RUBRIC, test_paths=["tests/", "a b.py"]))
    assert rubric
    assert (
        capture_checks.check_ending(
            pb.Ending(
                **ENDING,
                labels=["a"],
                session_id="s-1",
                fail_to_pass=["tests/test_a.py::T::test_b[x-1]"],
                thread_id="t",
                begin_call_id="c1",
                end_call_id="c2",
                repository="/home/zoë/x",
            )
        )
        is None
    )
    assert [each.id for each in rubric.criterion] == ["all"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"task_id": ""}, "the task id '' is not allowed; use at most 80 letters"),
        ({"task_id": "../x"}, r"the task id '\.\./x' is not allowed"),
        ({"task_id": "x" * 81}, "is not allowed; use at most 80"),
        ({"title": " "}, "the title ' ' is not allowed; give one line of 1 to 200"),
        ({"title": "a\nb"}, r"the title 'a\\nb' is not allowed"),
        ({"title": "x" * 201}, "give one line of 1 to 200 printable characters"),
        ({"title": "\u202egnp"}, "is not allowed"),
        ({"labels": ["a", ""]}, "the label '' is not allowed"),
        ({"labels": ["a"] * 33}, "33 labels are given; give at most 32"),
        ({"session_id": "a/b"}, "the session id 'a/b' is none of the proxy's"),
        ({"notes": "x" * 100_001}, "the notes' text has 100001 characters; at most 100000"),
        ({"instructions": " "}, "the instructions' text is empty"),
        ({"instructions": "x" * 100_000}, "has 100001 bytes; at most 100000 are allowed"),
        ({"instructions": "a\0"}, "holds a NUL byte"),
        ({"base_tree": "HEAD"}, "the base tree 'HEAD' is no object id; give the 40 hexadecimal digits"),
        ({"base_tree": "A" * 40}, "is no object id"),
        ({"base_tree": "a" * 64}, r"is no object id.*SHA-1"),
    ],
)
def test_bad_starts(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        capture_checks.check_start(pb.StartTaskRequest(**START | wrong))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"end_tree": BASE}, "the end is the same tree as the base"),
        ({"end_tree": ""}, "the end tree '' is no object id"),
        ({"base_tree": "--all"}, "the base tree '--all' is no object id"),
        ({"summary": "x" * 100_001}, "the summary has 100001 characters"),
        ({"instructions": "\0"}, "holds a NUL byte"),
        ({"test_paths": ["/etc"]}, "the test path '/etc' is not allowed; give a file or folder relative to the tree"),
        ({"test_paths": ["a/../../b"]}, "is not allowed"),
        ({"test_paths": [""]}, "the test path '' is not allowed"),
        ({"labels": ["a\n"]}, r"the label 'a\\n' is not allowed"),
        ({"session_id": "../x"}, r"the session id '\.\./x' is none of the proxy's"),
        ({"fail_to_pass": [""]}, "the test id '' is not allowed"),
        ({"fail_to_pass": ["a"] * 10_001}, "10001 fail-to-pass tests are named; name at most 10000"),
        ({"thread_id": "x" * 201}, "the thread id 'xxx"),
        ({"begin_call_id": "\n"}, "the begin call's id"),
        ({"end_call_id": "\n"}, "the end call's id"),
        ({"repository": "src"}, "the repository's path 'src' is not allowed; give an absolute path or none"),
        ({"test_paths": ["."]}, r"the test path '\.' is not allowed"),
        ({"test_paths": ["a"] * 1001}, "1001 test paths are given; name at most 1000"),
        ({"rubric_toml": b"["}, "rubric.toml cannot be read"),
        ({"rubric_toml": RUBRIC.replace(b"weight = 1", b"weight = 0.5")}, "the weights sum to 0.5"),
        ({"rubric_toml": RUBRIC.replace(b"weight", b"wieght")}, "did you mean 'weight'"),
        ({"rubric_toml": b"#" * 300_000}, "the rubric has 300000 bytes"),
    ],
)
def test_bad_endings(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        capture_checks.check_ending(pb.Ending(**ENDING | wrong))


def test_another_base_than_the_tasks() -> None:
    start = pb.StartTaskRequest(**START)
    capture_checks.check_same_task(start, pb.Ending(**ENDING))
    with pytest.raises(
        BadInput, match=f"the base tree {END} is not the one that task 't1' was started with; send {BASE}"
    ):
        capture_checks.check_same_task(start, pb.Ending(base_tree=END))


def test_labels_of_both() -> None:
    start = pb.StartTaskRequest(**START, labels=["a", "b"])
    assert capture_checks.labels(start, pb.Ending(labels=["b", "c"])) == ["a", "b", "c"]
    with pytest.raises(BadInput, match="34 labels are given; give at most 32"):
        capture_checks.check_same_task(start, pb.Ending(**ENDING, labels=[f"l{number}" for number in range(32)]))

"""What was said of an ending, made what capture takes."""

from pathlib import Path
from typing import Any

import pytest

from oneshot_cli.pairing import words
from oneshot_shared import strict, task
from oneshot_shared.errors import BadInput

TOP = Path("/work/repository")


def test_a_rubric_in_any_unit() -> None:
    toml = words.rubric(
        [
            {"description": 'It "adds".', "weight": 40},
            {"description": "Small.", "weight": 60, "tests": ["fail_to_pass"]},
        ]
    )
    read = strict.parse(task.Rubric, toml.encode(), "rubric.toml")
    assert [(each.weight, each.decided_by) for each in read.criterion] == [(0.4, "judge"), (0.6, "tests")]
    assert words.weights(toml) == "it_adds 0.4, small 0.6"


@pytest.mark.parametrize("given", [(), [], "", " \n"])
def test_no_rubric(given: Any) -> None:
    assert words.rubric(given) == ""


def test_a_rubric_as_toml() -> None:
    text = '[[criterion]]\nid = "a"\nweight = 1\ndescription = "x"\ndecided_by = "judge"\n'
    assert words.weights(words.rubric(text)) == "a 1"


def test_tests_are_sorted() -> None:
    found = words.tests(
        ["tests/a.py::x", {"path": "b/../c.py"}, {"path": "/work/repository/d.py", "content": "ü"}, "tests/a.py::x"],
        TOP,
    )
    assert found == words.Tests(("tests/a.py::x",), ("c.py", "d.py"), {"d.py": "ü".encode()})


@pytest.mark.parametrize("path", ["..", "../x", ".", "/work", "/etc/passwd", "a/../../b", "/work/repository"])
def test_a_path_outside(path: str) -> None:
    with pytest.raises(BadInput, match="is not in /work/repository; give a file or folder relative to it"):
        words.inside(path, TOP)


def test_large_contents() -> None:
    with pytest.raises(BadInput, match="have 16777217 bytes; at most 16777216 are allowed"):
        words.tests([{"path": "a", "content": "x" * (2**24 + 1)}], TOP)


def test_what_is_there() -> None:
    known = [b"a/b/c.py", b"d\xff"]
    words.check_there(["a", "a/b", "a/b/c.py", "d\udcff"], known)
    with pytest.raises(
        BadInput, match=r"'a/b/x.py' is neither in the working tree nor deleted \(did you mean 'a/b/c.py'\?\)"
    ):
        words.check_there(["a/b/x.py"], known)


@pytest.mark.parametrize(
    ("named", "sent"),
    [
        ([], ()),
        (["tests/test_a.py"], ()),
        (["checks/a.py"], ("checks/a.py", "tests/test_b.py")),
        (["checks/a.py", "tests/test_b.py"], ("checks/a.py", "tests/test_b.py")),
    ],
)
def test_what_is_named_takes_nothing_from_the_usual_names(named: list[str], sent: tuple[str, ...]) -> None:
    assert words.test_paths(named, [b"src/a.py", b"tests/test_b.py", b"checks/a.py", b"tests/\xff"]) == sent


def test_the_same_words_have_the_same_digest() -> None:
    assert words.digest(a=("x",), b={"y": 1}) == words.digest(b={"y": 1}, a=["x"])
    assert words.digest(a="x") != words.digest(a="y")

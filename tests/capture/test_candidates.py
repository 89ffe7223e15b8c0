"""Candidate tests of real trees."""

import json
from pathlib import Path
from typing import Any

import pytest

from capture import harness
from capture.harness import House
from oneshot_capture import candidates
from orchestrator.trees import Tree

OLD, CHANGED, NEW = (
    b"def test_a(): ...\ndef test_b(): ...\n",
    b"def test_a(): ...\ndef test_b(): pass\n",
    b"def test_c(): ...\n",
)
BASE: Tree = {
    b"x.py": ("file", b"1\n"),
    b"tests/test_old.py": ("file", OLD),
    b"tests/test_gone.py": ("file", b"def test_gone(): ...\n"),
    b"tests/data.py": ("file", b"ROWS = []\n"),
    b"tests/data.txt": ("file", b"rows\n"),
}
END: Tree = {
    **{name: entry for name, entry in BASE.items() if b"gone" not in name},
    b"x.py": ("file", b"2\n"),
    b"tests/test_old.py": ("file", CHANGED),
    b"tests/test_new.py": ("file", NEW),
}


async def found(house: House, base: Tree = BASE, end: Tree = END, **ending: Any) -> tuple[dict[str, Any], list[str]]:
    folder = await house.both(base, end, **ending)
    said = json.loads((folder / "oneshot" / "candidates.json").read_text())
    return said, [remark for remark in (await house.status()).remarks if remark != harness.NO_RECORD]


async def test_new_and_changed_tests_are_to_fail_at_first(house: House) -> None:
    assert await found(house) == (
        {
            "fail_to_pass": ["tests/test_new.py::test_c", "tests/test_old.py::test_b"],
            "pass_to_pass": ["tests/test_old.py::test_a"],
        },
        [],
    )


async def test_the_author_knows_better(house: House) -> None:
    said, remarks = await found(
        house, fail_to_pass=["./tests/test_new.py::test_c[1-x]", "tests/test_new.py::test_c[2]"]
    )
    assert said == {
        "fail_to_pass": ["tests/test_new.py::test_c[1-x]", "tests/test_new.py::test_c[2]"],
        "pass_to_pass": ["tests/test_old.py::test_a", "tests/test_old.py::test_b"],
    }
    assert remarks == []


async def test_part_of_an_id_means_every_test_that_it_names(house: House) -> None:
    said, remarks = await found(house, fail_to_pass=["test_c", "tests/test_old.py", "test_c"])
    assert said["fail_to_pass"] == [
        "tests/test_new.py::test_c",
        "tests/test_old.py::test_a",
        "tests/test_old.py::test_b",
    ]
    assert (said["pass_to_pass"], remarks) == ([], [])


async def test_a_named_test_that_is_not_there_is_remarked(house: House) -> None:
    said, remarks = await found(house, fail_to_pass=["tests/test_new.py::test_d", *(f"nowhere_{n}" for n in range(7))])
    assert said["fail_to_pass"][0] == "tests/test_new.py::test_d"
    assert remarks[0] == (
        "the test 'tests/test_new.py::test_d' is named as fail-to-pass and is in no test file of the end "
        "(did you mean 'tests/test_new.py::test_c'?)"
    )
    assert remarks[-1] == "3 named tests more are in no test file of the end"


async def test_other_languages_have_their_files(house: House) -> None:
    base: Tree = {b"a.go": ("file", b"1"), b"a_test.go": ("file", b"1"), b"web/b.test.ts": ("file", b"1")}
    end: Tree = {**base, b"a.go": ("file", b"2"), b"a_test.go": ("file", b"2"), b"tests/data.go": ("file", b"2")}
    said, remarks = await found(house, base, end)
    assert said == {"fail_to_pass": ["a_test.go"], "pass_to_pass": ["web/b.test.ts"]}
    assert remarks == [
        "2 test files in other languages than Python stand in candidates.json as a whole, such as 'a_test.go': single tests are "
        "found in Python alone"
    ]


async def test_a_file_that_is_no_python_and_one_that_is_too_large(house: House) -> None:
    end: Tree = {
        **END,
        b"tests/test_bad.py": ("file", b"def test_x(:\n"),
        b"tests/test_big.py": ("file", b"#" * 600_000),
        b"tests/test_link.py": ("link", b"test_old.py"),
        b"tests/test_\xff.py": ("file", b"def test_y(): ...\n"),
    }
    said, remarks = await found(house, end=end)
    assert said["fail_to_pass"] == ["tests/test_?.py::test_y", "tests/test_new.py::test_c", "tests/test_old.py::test_b"]
    assert remarks == [
        "1 Python test files are too large to be searched for single tests",
        "'tests/test_bad.py' was not searched for tests: it is no Python that can be read (SyntaxError); correct it",
    ]


async def test_where_only_tests_change_none_can_tell(house: House) -> None:
    end: Tree = {**BASE, b"tests/test_old.py": ("file", CHANGED)}
    said, _ = await found(house, end=end)
    assert said == {
        "fail_to_pass": [],
        "pass_to_pass": ["tests/test_gone.py::test_gone", "tests/test_old.py::test_a", "tests/test_old.py::test_b"],
    }


async def test_far_too_many_are_cut(house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(candidates, "_MOST", 2)
    said, remarks = await found(house)
    assert (len(said["fail_to_pass"]), len(said["pass_to_pass"])) == (2, 0)
    assert remarks == ["1 candidate tests more were found than the 2 that candidates.json takes"]

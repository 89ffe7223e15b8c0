"""Tests of a Python file, found and compared without running it."""

import subprocess
import sys
from pathlib import Path

import pytest

from oneshot_capture import pythontests
from oneshot_shared.errors import BadInput

SOURCE = b'''
"""A file."""
import unittest
import pytest

CASES = [1, 2]
LIMIT = 3

@pytest.fixture
def given():
    return helper() + LIMIT

def helper():
    return 1

def test_plain():
    assert "\\d"

async def test_async(given): ...

@pytest.mark.parametrize("n", CASES)
def test_many(n): ...

class TestGroup:
    limit = 1

    def setup_method(self): ...

    def test_in(self): ...

    class TestInner:
        def test_deep(self): ...

class TestWithInit:
    def __init__(self): ...
    def test_no(self): ...

class Old(unittest.TestCase):
    def test_old(self): ...

def not_a_test(): ...

if True:
    def test_hidden(): ...
'''
IDS = [
    "test_plain",
    "test_async",
    "test_many",
    "TestGroup::test_in",
    "TestGroup::TestInner::test_deep",
    "Old::test_old",
]


def changed(before: bytes, after: bytes) -> list[str]:
    old, new = pythontests.found(SOURCE), pythontests.found(SOURCE.replace(before, after))
    return [name for name in new if old.get(name) != new[name]]


def test_ids_as_pytest_gives_them(tmp_path: Path) -> None:
    assert list(pythontests.found(SOURCE)) == IDS
    (tmp_path / "test_it.py").write_bytes(SOURCE)
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-W", "ignore"]
    out = subprocess.run([*command, "test_it.py"], cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    collected = {line.removeprefix("test_it.py::").partition("[")[0] for line in out.splitlines() if "::" in line}
    assert {name for name in collected if name != "test_hidden"} == set(IDS)


@pytest.mark.parametrize(
    ("before", "after", "ids"),
    [
        (b"A file.", b"Another.", []),
        (b"def test_plain():", b"def test_plain():\n    # why\n", []),
        (b'assert "\\d"', b"assert 1", ["test_plain"]),
        (b"[1, 2]", b"[1, 2, 3]", ["test_many"]),
        (b"LIMIT = 3", b"LIMIT = 4", ["test_async"]),
        (b"    return 1\n", b"    return 2\n", ["test_async"]),
        (b"limit = 1", b"limit = 2", ["TestGroup::test_in", "TestGroup::TestInner::test_deep"]),
        (b"def test_in(self): ...", b"def test_in(self): pass", ["TestGroup::test_in"]),
        (b"class Old(", b"@pytest.mark.slow\nclass Old(", ["Old::test_old"]),
        (b"def not_a_test(", b"def test_new(", ["test_new"]),
        (b"helper() + LIMIT", b"usefixture()", ["test_async"]),
    ],
)
def test_what_has_changed(before: bytes, after: bytes, ids: list[str]) -> None:
    assert before in SOURCE
    assert changed(before, after) == ids


@pytest.mark.parametrize(
    "source", [b"def test_x(:", b"a\0b", b"(" * 5000, b"\xff\xfe", b"x = " + b"-" * 200_000 + b"1"]
)
def test_what_is_no_python(source: bytes) -> None:
    with pytest.raises(BadInput, match="it is no Python that can be read"):
        pythontests.found(source)


def test_an_empty_file_and_an_old_encoding() -> None:
    assert pythontests.found(b"") == {}
    assert list(pythontests.found(b"# -*- coding: latin-1 -*-\ndef test_x():\n    '\xe9'\n")) == ["test_x"]

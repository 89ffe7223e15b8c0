"""Which changes are tests."""

import pytest

from oneshot_capture import testfiles
from oneshot_capture.entries import NOTHING, Entry
from oneshot_shared import testnames
from oneshot_shared.errors import BadInput


def test_named_ones() -> None:
    is_test = testfiles.named(["checks/", "./a.py"], [b"checks/x/y", b"a.py", b"b.py"])
    assert [is_test(path) for path in (b"checks/x/y", b"checks/new", b"a.py", b"b.py", b"checks2")] == [
        *[True, True, True, False, False]
    ]
    with pytest.raises(BadInput, match=r"'chekcs' is neither in the end tree nor deleted..did you mean 'checks'"):
        testfiles.named(["chekcs"], [b"checks"])


def change(path: bytes, *, gone: bool = False) -> Entry:
    return Entry(NOTHING if gone else b"100644", b"a" * 40, path)


@pytest.mark.parametrize(
    ("changes", "source"),
    [
        ([change(b"a"), change(b"tests/b")], [b"a"]),
        ([change(b"tests"), change(b"tests/b", gone=True)], [b"tests", b"tests/b"]),
        ([change(b"tests", gone=True), change(b"tests/b")], [b"tests"]),
        ([change(b"x/test_a.py", gone=True), change(b"x/test_a.py/b")], [b"x/test_a.py/b", b"x/test_a.py"]),
        ([change(b"tests/a", gone=True), change(b"tests/a/b")], []),
    ],
)
def test_what_goes_for_something_in_its_place_goes_with_it(changes: list[Entry], source: list[bytes]) -> None:
    found, tests = testfiles.split(changes, testnames.by_name)
    assert [each.path for each in found] == source
    assert sorted(each.path for each in [*found, *tests]) == sorted(each.path for each in changes)

"""Words."""

from oneshot_cli.repository.readiness.finding import Finding, count, name, names, quantity


def test_paths_as_people_read_them() -> None:
    assert name(b"caf\xe9/a b") == "'caf?/a b'"
    assert name(b"line\nbreak") == r"'line\nbreak'"
    assert names([b"a"]) == "'a'"
    assert names([b"a", b"b", b"c"]) == "'a', 'b', 'c'"
    assert names([b"a", b"b", b"c", b"d", b"e"]) == "'a', 'b', 'c' and 2 more"


def test_numbers() -> None:
    assert count(1, "file") == "1 file"
    assert count(0, "file") == "0 files"
    assert quantity(5 * 2**20) == "5 MiB"
    assert quantity(3 * 2**29) == "1.5 GiB"


def test_mendable_is_what_can_be_left_out() -> None:
    assert not Finding("size", "blocker", "too much").mendable
    assert Finding("size", "blocker", "too much", "leave it out", (b"a",)).mendable

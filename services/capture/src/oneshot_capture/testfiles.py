"""Which changes are tests: the named ones, else those with the names that tests usually have."""

import os
from collections.abc import Callable, Sequence

from oneshot_capture.entries import NOTHING, Entry
from oneshot_shared.errors import BadInput, nearest, printable


def named(given: Sequence[str], known: Sequence[bytes]) -> Callable[[bytes], bool]:
    """Whether a path is one of the given files, or below one of the given folders.

    :raises BadInput: a given one is none of the known paths, and no folder of theirs.
    """
    wanted = {os.fsencode(os.path.normpath(path)) for path in given}
    found = wanted & {part for path in known for part in _with_folders(path)}
    if missing := sorted(wanted - found):
        name = printable(os.fsdecode(missing[0]))
        near = nearest(name, [printable(os.fsdecode(path)) for path in known][:20_000])
        raise BadInput(f"the test path {name!r} is neither in the end tree nor deleted{near}; name what is there")
    return lambda path: not wanted.isdisjoint(_with_folders(path))


def split(changes: Sequence[Entry], is_test: Callable[[bytes], bool]) -> tuple[list[Entry], list[Entry]]:
    """The changes as (source, tests). A test that goes because source takes its place, goes with the source."""
    source = [change for change in changes if not is_test(change.path)]
    tests = [change for change in changes if is_test(change.path)]
    there = {change.path for change in source if change.mode != NOTHING}
    above = {folder for path in there for folder in _with_folders(path)}
    displaced = {
        test
        for test in tests
        if test.mode == NOTHING and (test.path in above or not there.isdisjoint(_with_folders(test.path)))
    }
    return [*source, *displaced], [test for test in tests if test not in displaced]


def _with_folders(path: bytes) -> list[bytes]:
    """A path and every folder above it."""
    parts = path.split(b"/")
    return [b"/".join(parts[:count]) for count in range(1, len(parts) + 1)]

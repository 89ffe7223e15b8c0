"""The names that test files usually have."""

import re

_FOLDERS = {b"test", b"tests", b"__tests__"}
_FILE = re.compile(
    rb"test_.*\.py|conftest\.py|.*_test\.(py|go|rb|exs|dart|c|cc|cpp)|.*_spec\.rb|.*[._-](test|spec)\.[cm]?[jt]sx?"
    rb"|.*Tests?\.(java|kt|scala|cs|php|swift)",
    re.DOTALL,
)


def by_name(path: bytes) -> bool:
    """Whether a path looks like a test's."""
    *folders, name = path.split(b"/")
    return not _FOLDERS.isdisjoint(folders) or by_file(name)


def by_file(path: bytes) -> bool:
    """Whether a file holds tests by its own name, whatever folder it is in."""
    return _FILE.fullmatch(path.rpartition(b"/")[2]) is not None

"""Which tests may be fail-to-pass and pass-to-pass. Nothing is run here: what prepares the task proves or drops each."""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from oneshot_capture import pythontests
from oneshot_capture.entries import LINK, SUBMODULE, Entry
from oneshot_capture.trees import PackedTrees, Tree
from oneshot_shared import testnames
from oneshot_shared.errors import BadInput, nearest, printable

_FILE_BYTES, _ALL_BYTES = 512 * 1024, 16 * 1024 * 1024
_MOST = 20_000
_MOST_NAMED = 5
_NAMES_KNOWN = 5_000


@dataclass(frozen=True)
class Candidates:
    """Test ids as pytest writes them, without brackets unless the author gave some; for other languages, files."""

    fail_to_pass: list[str] = field(default_factory=list)
    pass_to_pass: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """Sentences on what could not be found or checked."""


async def find(
    trees: PackedTrees, base: Tree, end: Tree, is_test: Callable[[bytes], bool], named: Sequence[str]
) -> Candidates:
    """Of the end's test files: those that the author names, else what is new or changed; and all others.

    A test that only the base has can pass nowhere afterwards, so it is none.
    """
    remarks: list[str] = []
    before = await _read(trees, base, is_test, [])
    after = await _read(trees, end, is_test, remarks)
    found = {name: text for name, text in after.items() if name not in before or before[name] != text}
    failing = list(_resolved(named, after, remarks)) if named else sorted(found)
    chosen = {test.partition("[")[0] for test in failing}
    passing = [name for name in sorted(after) if name not in chosen]
    if (over := len(failing) + len(passing) - _MOST) > 0:
        failing, passing = failing[:_MOST], passing[: max(_MOST - len(failing), 0)]
        remarks.append(f"{over} candidate tests more were found than the {_MOST} that candidates.json takes")
    if others := sorted(name for name in after if "::" not in name):
        remarks.append(
            f"{len(others)} test file{'s' * (len(others) != 1)} in other languages than Python stand{'s' * (len(others) == 1)} in "
            f"candidates.json as a whole, such as {others[0]!r}: single tests are found in Python alone"
        )
    return Candidates(failing, passing, remarks)


async def _read(trees: PackedTrees, tree: Tree, is_test: Callable[[bytes], bool], remarks: list[str]) -> dict[str, str]:
    """Ids of a tree's tests, and what each consists of."""
    files = [entry for entry in tree.entries if entry.mode not in (LINK, SUBMODULE) and is_test(entry.path)]
    python = [entry for entry in files if entry.path.endswith(b".py")]
    found = {entry.name: entry.oid.decode() for entry in files if entry not in python and testnames.by_file(entry.path)}
    room = _ALL_BYTES
    small: list[Entry] = []
    for entry in python:
        room -= entry.size if entry.size <= _FILE_BYTES else 0
        if entry.size <= _FILE_BYTES and room >= 0:
            small.append(entry)
    if len(small) < len(python):
        remarks.append(f"{len(python) - len(small)} Python test files are too large to be searched for single tests")
    texts = await trees.contents(small)
    for entry, text in zip(small, texts, strict=True):
        found |= await _of_file(entry, text, remarks)
    return found


async def _of_file(entry: Entry, text: bytes, remarks: list[str]) -> dict[str, str]:
    try:
        tests = await asyncio.to_thread(pythontests.found, text)
    except BadInput as error:
        remarks.append(f"{entry.name!r} was not searched for tests: {error}")
        return {}
    return {f"{entry.name}::{name}": text for name, text in tests.items()}


def _resolved(named: Sequence[str], after: Mapping[str, str], remarks: list[str]) -> Iterator[str]:
    """What the author names: ids that are there, else the tests of a class or file, else those of that name anywhere."""
    known = list(after)
    missing = []
    seen: set[str] = set()
    for test in map(_normal, named):
        plain = test.partition("[")[0]
        wanted = [test] if plain in after else [name for name in known if _holds(plain, name)]
        if not wanted:
            missing.append(test)
        for name in wanted or [test]:
            if name not in seen:
                seen.add(name)
                yield name
    for test in missing[:_MOST_NAMED]:
        near = nearest(test, known[:_NAMES_KNOWN])
        remarks.append(f"the test {test!r} is named as fail-to-pass and is in no test file of the end{near}")
    if len(missing) > _MOST_NAMED:
        remarks.append(f"{len(missing) - _MOST_NAMED} named tests more are in no test file of the end")


def _holds(given: str, name: str) -> bool:
    return name.startswith(f"{given}::") or name.endswith(f"::{given}")


def _normal(test: str) -> str:
    path, colons, rest = test.strip().partition("::")
    return printable(os.path.normpath(path) + colons + rest) if colons else printable(test.strip())

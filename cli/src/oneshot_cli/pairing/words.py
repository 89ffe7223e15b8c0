"""What an agent or a person said of an ending, made what capture takes: rubric, tests, their paths."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from oneshot_shared import capture_rubric, testnames
from oneshot_shared.capture_core import GivenRubric, GivenTest
from oneshot_shared.errors import BadInput, nearest, printable

_TEST_BYTES = 16 * 1024 * 1024
_MOST_NEAR = 20_000


@dataclass(frozen=True)
class Tests:
    """Named tests. `ids`: as their runner names them. `paths`: relative to the tree, POSIX. `files`: those given by value."""

    ids: tuple[str, ...]
    paths: tuple[str, ...]
    files: Mapping[str, bytes]


def digest(**words: object) -> str:
    """The same for the same words."""
    return hashlib.sha256(json.dumps(words, sort_keys=True, default=list).encode()).hexdigest()


def rubric(given: GivenRubric) -> str:
    """The content of rubric.toml, nothing for none. :raises BadInput: with the form that is understood."""
    import tomllib

    import tomlkit

    try:
        read = tomllib.loads(given) if isinstance(given, str) else given
        criteria = capture_rubric.read(read or ())
    except ValueError as error:
        raise BadInput(f"the rubric is not understood: {error}") from None
    return tomlkit.dumps({"criterion": [dict(each) for each in criteria]}) if criteria else ""


def weights(toml: str) -> str:
    """What a rubric weighs, in a few words."""
    import tomllib

    return ", ".join(f"{each['id']} {each['weight']:g}" for each in tomllib.loads(toml)["criterion"])


def tests(given: Sequence[GivenTest], top: Path) -> Tests:
    """Sort what names tests. :raises BadInput: a path leads out of the working tree, or a content is too large."""
    ids: list[str] = []
    paths: list[str] = []
    files: dict[str, bytes] = {}
    for each in given:
        if isinstance(each, str):
            ids.append(each)
            continue
        path = inside(each["path"], top)
        paths.append(path)
        if (content := each.get("content")) is not None:
            files[path] = content.encode("utf-8", "surrogatepass")
    if (size := sum(map(len, files.values()))) > _TEST_BYTES:
        raise BadInput(
            f"the tests given by value have {size} bytes; at most {_TEST_BYTES} are allowed: write them as files"
        )
    return Tests(tuple(dict.fromkeys(ids)), tuple(dict.fromkeys(paths)), files)


def inside(path: str, top: Path) -> str:
    """A path relative to the working tree. :raises BadInput: it is not in it."""
    found = os.path.normpath(path)
    if os.path.isabs(found):  # noqa: PTH117 -- text, as the caller wrote it
        found = os.path.relpath(found, top)
    if found in (".", "..") or found.startswith("../") or os.path.isabs(found):  # noqa: PTH117 -- as above
        raise BadInput(f"the test path {path[:200]!r} is not in {top}; give a file or folder relative to it")
    return found


def check_there(paths: Iterable[str], known: Sequence[bytes]) -> None:
    """Whether each is a file, or a folder of one. :raises BadInput: with the nearest that is."""
    there = {part for path in known for part in _with_folders(path)}
    for path in paths:
        if os.fsencode(path) not in there:
            near = nearest(path, [printable(os.fsdecode(each)) for each in known[:_MOST_NEAR]])
            raise BadInput(
                f"the test path {path!r} is neither in the working tree nor deleted{near}; name what is there"
            )


def test_paths(named: Sequence[str], changed: Sequence[bytes]) -> tuple[str, ...]:
    """What to name to capture, which takes only what is named: nothing where the usual names say it all, else both."""
    if all(testnames.by_name(os.fsencode(path)) for path in named):
        return ()
    usual = [os.fsdecode(path) for path in changed if testnames.by_name(path)]
    return tuple(dict.fromkeys([*named, *(path for path in usual if printable(path) == path)]))


def _with_folders(path: bytes) -> list[bytes]:
    parts = path.split(b"/")
    return [b"/".join(parts[:count]) for count in range(1, len(parts) + 1)]

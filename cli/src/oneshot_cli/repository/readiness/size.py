"""How much a task of this tree would hold, against what is taken (oneshot_shared.archive.Caps, the capture service's pack)."""

from collections.abc import Iterator, Sequence

from oneshot_cli.repository.readiness.facts import Facts
from oneshot_cli.repository.readiness.finding import Finding, count, name, names, quantity
from oneshot_shared.archive import Caps

CAPS = Caps()
PACK_BYTES = 1024 * 2**20
"""ONESHOT_CAPTURE_PACK_MB's default, compressed."""
HUGE_BYTES = 50 * 2**20
"""GitHub warns from here on."""
MANY_UNTRACKED = 5_000
# what tools make anew, in any repository; folders that hold one of the marks are such, too
_MADE = b"node_modules __pycache__ .venv .tox .nox .mypy_cache .pytest_cache .ruff_cache .hypothesis .ipynb_checkpoints .terraform .gradle"
_MADE_NAMES = frozenset(_MADE.split())
_MARKS = (b"/pyvenv.cfg", b"/CACHEDIR.TAG")  # a virtual environment; https://bford.info/cachedir/


def huge(facts: Facts) -> Iterator[Finding]:
    """Single files that every run would carry along."""
    large = sorted((f for f in facts.looked.files if f.size >= HUGE_BYTES), key=lambda f: -f.size)
    for tracked in (False, True):
        if those := [f for f in large if f.tracked == tracked]:
            which = "tracked" if tracked else "untracked"
            yield Finding(
                "huge files",
                "warning",
                f"{count(len(those), f'{which} file')} of {quantity(HUGE_BYTES)} or more would be in the task: "
                f"{names([f.path for f in those])}; the largest has {quantity(those[0].size)}",
                "choose a repository without them, if the task does not need them"
                if tracked
                else "add them to .gitignore, or have them left out with `oneshot task check --fix`",
                () if tracked else tuple(f.path for f in those),
            )


def whole(facts: Facts) -> Iterator[Finding]:
    """All files together."""
    files = facts.looked.files
    size, number = sum(f.size for f in files), len(files) + len(facts.looked.links)
    if size > CAPS.bytes or number > CAPS.files:
        yield Finding(
            "size",
            "blocker",
            f"the tree has {number} files of {quantity(size)}; at most {CAPS.files} files and {quantity(CAPS.bytes)} are taken",
            "add what the work does not need to .gitignore",
        )
    elif size > PACK_BYTES:
        yield Finding(
            "size",
            "warning",
            f"the tree has {quantity(size)}; if it takes more than {quantity(PACK_BYTES)} compressed, it is refused when the task ends",
            "add what the work does not need to .gitignore, or start the stack with a larger ONESHOT_CAPTURE_PACK_MB",
        )


def made(facts: Facts) -> Iterator[Finding]:
    """Folders that tools make anew and nobody told git to ignore."""
    folders = _made(facts.index.untracked)
    if folders:
        number = sum(folders.values())
        yield Finding(
            "made by tools",
            "warning",
            f"{count(number, 'untracked file')} that tools make anew would be in the task: {names(sorted(folders))}",
            "add them to .gitignore, or have them left out with `oneshot task check --fix`",
            tuple(sorted(folders)),
        )


def many(facts: Facts) -> Iterator[Finding]:
    """So many untracked files that one has been forgotten in .gitignore."""
    made_too = _made(facts.index.untracked)
    left = [path for path in facts.index.untracked if not any(map(made_too.__contains__, _folders(path)))]
    if len(left) < MANY_UNTRACKED:
        return
    tops: dict[bytes, int] = {}
    for path in left:
        top = path.partition(b"/")[0] + b"/" if b"/" in path else b"./"
        tops[top] = tops.get(top, 0) + 1
    most = max(tops, key=lambda top: tops[top])
    yield Finding(
        "untracked files",
        "warning",
        f"{len(left)} untracked files would be in the task, most of them ({tops[most]}) in {name(most)}",
        "add what the work does not need to .gitignore",
    )


def _made(untracked: Sequence[bytes]) -> dict[bytes, int]:
    """The outermost such folders, with a slash at the end, and how many untracked files each holds."""
    marked = {path[: -len(mark) + 1] for path in untracked for mark in _MARKS if path.endswith(mark)}
    found: dict[bytes, int] = {}
    for path in untracked:
        for folder in _folders(path):
            if folder in marked or folder[:-1].rpartition(b"/")[2] in _MADE_NAMES:
                found[folder] = found.get(folder, 0) + 1
                break
    return found


def _folders(path: bytes) -> Iterator[bytes]:
    at = path.find(b"/")
    while at >= 0:
        yield path[: at + 1]
        at = path.find(b"/", at + 1)

"""How much a task of this tree would hold, against what is taken (oneshot_shared.archive.Caps, the capture service's pack)."""

from collections import Counter
from collections.abc import Iterator, Sequence

from oneshot_cli.repository.importing import MAX_UNTRACKED_BYTES
from oneshot_cli.repository.readiness.facts import Facts
from oneshot_cli.repository.readiness.finding import LEAVE_OUT, Finding, count, name, names, quantity
from oneshot_cli.repository.readiness.listing import File, Index
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
    """Single files that every run would carry along, and such as snapshots leave out for their size."""
    large = sorted((f for f in facts.looked.files if f.size >= HUGE_BYTES), key=lambda f: -f.size)
    if tracked := [f for f in large if f.tracked]:
        yield _huge(
            tracked,
            f"{count(len(tracked), 'tracked file')} of {quantity(HUGE_BYTES)} or more would be in the task",
            "choose a repository without them, if the task does not need them",
        )
    untracked = [f for f in large if not f.tracked]
    if within := [f for f in untracked if _taken(f)]:
        what = f"{count(len(within), 'untracked file')} of {quantity(HUGE_BYTES)} or more would be in the task"
        yield _huge(within, what, f"add them to .gitignore, or {LEAVE_OUT}", leave_out=True)
    if beyond := [f for f in untracked if not _taken(f)]:
        what = f"{count(len(beyond), 'untracked file')} of more than {quantity(MAX_UNTRACKED_BYTES)} would not be in the task"
        yield _huge(
            beyond, what, f"`git add` what the task needs; else add them to .gitignore, or {LEAVE_OUT}", leave_out=True
        )


def _huge(files: Sequence[File], what: str, next_step: str, *, leave_out: bool = False) -> Finding:
    paths = tuple(f.path for f in files)
    sentence = f"{what}: {names(paths)}; the largest has {quantity(files[0].size)}"
    return Finding("huge files", "warning", sentence, next_step, paths if leave_out else ())


def _taken(file: File) -> bool:
    return file.tracked or file.size <= MAX_UNTRACKED_BYTES


def whole(facts: Facts) -> Iterator[Finding]:
    """All files together."""
    files = [f for f in facts.looked.files if _taken(f)]
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
    if folders := _made(facts.index):
        yield Finding(
            "made by tools",
            "warning",
            f"{count(sum(folders.values()), 'untracked file')} that tools make anew would be in the task: {names(sorted(folders))}",
            f"add them to .gitignore, or {LEAVE_OUT}",
            tuple(sorted(folders)),
        )


def many(facts: Facts) -> Iterator[Finding]:
    """So many untracked files that one has been forgotten in .gitignore."""
    untracked = facts.index.untracked
    if len(untracked) < MANY_UNTRACKED:
        return
    folders = tuple(_made(facts.index))
    tops = Counter(path[: path.find(b"/") + 1] or b"./" for path in untracked if not path.startswith(folders))
    if tops.total() >= MANY_UNTRACKED:
        ((most, number),) = tops.most_common(1)
        yield Finding(
            "untracked files",
            "warning",
            f"{tops.total()} untracked files would be in the task, most of them ({number}) in {name(most)}",
            "add what the work does not need to .gitignore",
        )


def _made(index: Index) -> Counter[bytes]:
    """The outermost such folders, with a slash at the end, and how many untracked files each holds: none that is tracked."""
    marked = {path[: -len(mark) + 1] for path in index.untracked for mark in _MARKS if path.endswith(mark)}
    found: Counter[bytes] = Counter()
    for folder, number in Counter(path[: path.rfind(b"/") + 1] for path in index.untracked).items():
        for outer in _prefixes(folder):
            if outer in marked or outer[:-1].rpartition(b"/")[2] in _MADE_NAMES:
                found[outer] += number
                break
    if found:
        for kept in {
            outer for folder in {path[: path.rfind(b"/") + 1] for path in index.files} for outer in _prefixes(folder)
        }:
            found.pop(kept, None)
    return found


def _prefixes(folder: bytes) -> Iterator[bytes]:
    at = folder.find(b"/")
    while at >= 0:
        yield folder[: at + 1]
        at = folder.find(b"/", at + 1)

"""What git is in the midst of: the tree would change, before or after, for other reasons than the task's."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

from oneshot_cli.repository.readiness.facts import Facts
from oneshot_cli.repository.readiness.finding import Finding, count, names

_MARKERS = re.compile(rb"^(?:<{7}|>{7}) ", re.MULTILINE)
_MOST_FILES, _MOST_BYTES = 200, 1 << 20
_FRESH_SECONDS = 10.0


def merge(facts: Facts) -> Iterator[Finding]:
    """A merge that is not concluded: its other side's changes would be the task's."""
    if (facts.repository.git_dir / "MERGE_HEAD").exists():
        yield _under_way("merge", "a merge", "git merge")


def rebase(facts: Facts) -> Iterator[Finding]:
    """A rebase, or `git am`, that stopped on its way."""
    folder = facts.repository.git_dir
    if (folder / "rebase-merge").is_dir():
        yield _under_way("rebase", "a rebase", "git rebase")
    elif (folder / "rebase-apply").is_dir():
        if (folder / "rebase-apply" / "applying").exists():
            yield _under_way("am", "an application of patches (git am)", "git am")
        else:
            yield _under_way("rebase", "a rebase", "git rebase")


def pick(facts: Facts) -> Iterator[Finding]:
    """A cherry-pick or revert that stopped; a rebase leaves such files too, and is told of alone."""
    folder = facts.repository.git_dir
    if (folder / "rebase-merge").is_dir():
        return
    verb = next((v for v, file in _PICKS if (folder / file).exists()), "")
    if not verb and (todo := _read(folder / "sequencer" / "todo")):  # between two commits of many
        verb = "revert" if todo.startswith("revert ") else "cherry-pick"
    if verb:
        yield _under_way(verb, f"a {verb}", f"git {verb}")


_PICKS = (("cherry-pick", "CHERRY_PICK_HEAD"), ("revert", "REVERT_HEAD"))


def bisect(facts: Facts) -> Iterator[Finding]:
    """A search for a commit: the tree is whole, but its end puts another in its place."""
    if (facts.repository.git_dir / "BISECT_LOG").exists():
        yield Finding(
            "bisect",
            "warning",
            "a bisect is under way: the next good, bad or reset puts another tree in the place of this one",
            "end it with `git bisect reset` first, unless the task is to be of this very commit",
        )


def conflicts(facts: Facts) -> Iterator[Finding]:
    """Paths of which git has more than one side, and files that still show both."""
    if unmerged := facts.index.unmerged:
        yield Finding(
            "conflicts",
            "blocker",
            f"{count(len(unmerged), 'path')} in conflict: {names([*unmerged])}",
            "settle each, then `git add` it",
        )
    resolved = [*facts.index.resolved][:_MOST_FILES]
    marked = [path for path in resolved if _MARKERS.search(facts.open(path, _MOST_BYTES))]
    if marked:
        yield Finding(
            "conflict markers",
            "warning",
            f"added with conflict markers in: {names(marked)}",
            "take the lines <<<<<<<, ======= and >>>>>>> out; leave it if they belong there",
        )


def lock(facts: Facts) -> Iterator[Finding]:
    """Another git at work, or one that was killed: what the agent commits or stages would fail."""
    file = facts.repository.index.with_name(f"{facts.repository.index.name}.lock")
    try:
        age = time.time() - file.stat().st_mtime
    except OSError:
        return
    if age > _FRESH_SECONDS:
        yield Finding(
            "index lock",
            "warning",
            f"{file} has been there for {age:.0f} s: another git is at work, or was killed; captures do not need it, the agent's git does",
            "end that git; if there is none, remove the file",
        )


def _under_way(check: str, what: str, command: str) -> Finding:
    return Finding(
        check,
        "blocker",
        f"{what} is under way, and its changes would be the task's",
        f"conclude it with `{command} --continue`, or give it up with `{command} --abort`",
    )


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""

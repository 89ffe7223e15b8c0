"""Is this repository a sound base for a task? One list of checks; each is a small function from the facts to findings.

None writes, runs a program of the person's or takes a lock. finding.py (what a check says), facts.py (what is looked at, found
once; listing.py, attributes.py and submodules.py are parts of it), report.py (for people and programs); the checks: operations.py,
checkout.py, nested.py, content.py, size.py, paths.py, secrets.py. A check is added with its function, a line in CHECKS and a test.
"""

import asyncio
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from oneshot_cli.repository import where
from oneshot_cli.repository.readiness import checkout, content, nested, operations, paths, secrets, size
from oneshot_cli.repository.readiness.facts import Facts, gather, git_words, glance
from oneshot_cli.repository.readiness.finding import LEVELS, Finding, Level
from oneshot_cli.repository.where import Repository
from oneshot_shared.errors import BadInput, sentence

__all__ = ["CHECKS", "Finding", "Level", "check", "check_folder", "ready", "under_way"]

type _Check = Callable[[Facts], Iterable[Finding]]

CHECKS: tuple[_Check, ...] = (
    operations.merge,
    operations.rebase,
    operations.pick,
    operations.bisect,
    operations.conflicts,
    operations.lock,
    paths.refused,
    paths.kinds,
    paths.closed,
    size.whole,
    size.huge,
    size.made,
    size.many,
    secrets.secrets,
    nested.submodules,
    nested.repositories,
    content.stand_ins,
    content.filters,
    checkout.sparse,
    checkout.hidden,
    paths.links,
    paths.case,
    checkout.identity,
    checkout.head,
    checkout.dirty,
    checkout.left_out,
)


# those that a start waits for: their blockers are of the moment, and later nobody can tell the task's changes from others
_AT_ONCE = (operations.merge, operations.rebase, operations.pick, operations.conflicts)


def under_way(repository: Repository, unmerged: Iterable[bytes]) -> list[Finding]:
    """What git is in the midst of. `unmerged`: the paths of which its index has more than one side."""
    return _run(glance(repository, unmerged), _AT_ONCE)


async def check(repository: Repository, state: Path | None = None) -> list[Finding]:
    """Every finding, the gravest first. `state`: OneShot's state folder; its list of what is left out holds here too."""
    try:
        facts = await gather(repository, state)
    except subprocess.CalledProcessError as error:
        return [
            _unusable(f"git cannot read the repository ({git_words(error)})", "mend it first; `git fsck` may tell more")
        ]
    return await asyncio.to_thread(_run, facts, CHECKS)


async def check_folder(folder: Path, state: Path | None = None) -> list[Finding]:
    """The same for a folder, which may lie in no repository that can be captured. :raises NotReady: there is no git."""
    try:
        repository = await where.find(folder)
    except BadInput as error:
        what, _, next_step = str(error).partition("; ")
        return [_unusable(what, next_step)]
    return await check(repository, state)


def ready(findings: Iterable[Finding]) -> bool:
    """Whether a task may begin here."""
    return not any(each.level == "blocker" for each in findings)


def _run(facts: Facts, checks: Sequence[_Check]) -> list[Finding]:
    return sorted((each for one in checks for each in _done(one, facts)), key=lambda each: LEVELS.index(each.level))


def _done(one: _Check, facts: Facts) -> list[Finding]:
    try:
        return list(one(facts))
    except Exception as error:  # noqa: BLE001 -- one odd tree must neither hide what the other checks found nor stop the work
        what = f"this check broke ({type(error).__name__}: {sentence(error)})"
        return [Finding(one.__name__, "warning", what, "report it, please")]


def _unusable(what: str, next_step: str) -> Finding:
    return Finding("repository", "blocker", what, next_step)

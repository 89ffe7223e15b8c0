"""Names and kinds that a task cannot hold, or not everywhere."""

import os
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from oneshot_cli.repository.readiness.facts import Facts
from oneshot_cli.repository.readiness.finding import Finding, count, names
from oneshot_shared.archive import leads_out
from oneshot_shared.git import is_git

_LIKE_GIT = re.compile(rb"\.git|git~1", re.IGNORECASE)
_MOST_PATH_BYTES = 3500  # as the capture service takes them


def links(facts: Facts) -> Iterator[Finding]:
    """Links that lead out of the tree, or may: the capture service takes none."""
    top = os.fsencode(facts.repository.top)
    leading = [each.path for each in facts.looked.links if _leads_out(top, each.path)]
    if leading:
        yield Finding(
            "links",
            "warning",
            f"{count(len(leading), 'link')} out of the tree would not be in the task: {names(leading)}",
            "if the task needs one, put a copy in its place",
        )


def _leads_out(top: bytes, path: bytes) -> bool:
    try:
        target = os.readlink(os.path.join(top, path))  # noqa: PTH115, PTH118 -- bytes
    except OSError:
        return False
    return leads_out(PurePosixPath(os.fsdecode(path)), os.fsdecode(target))


def refused(facts: Facts) -> Iterator[Finding]:
    """Names that git takes for its own folder on some file system, and such that are too long."""
    bad = [
        path
        for path in facts.index.names
        if len(path) > _MOST_PATH_BYTES or (_LIKE_GIT.search(path) and is_git(PurePosixPath(os.fsdecode(path))))
    ]
    if bad:
        yield Finding(
            "names",
            "warning",
            f"{names(bad)} would not be in the task: some file systems take the name for .git, or it is too long",
            "rename what the task needs",
            tuple(bad) if set(bad) <= set(facts.index.untracked) else (),
        )


def case(facts: Facts) -> Iterator[Finding]:
    """Names that are one on a file system that does not tell large letters from small ones."""
    seen: dict[bytes, bytes] = {}
    same: list[bytes] = []
    for path in facts.index.names:
        if (first := seen.setdefault(path.lower(), path)) != path:
            same += [first, path]
    if same:
        yield Finding(
            "case",
            "note",
            f"names that differ only in case, and are one file on macOS and Windows: {names([*dict.fromkeys(same)])}",
        )


def kinds(facts: Facts) -> Iterator[Finding]:
    """A socket, pipe or device where git knows a file; those that it does not know, it does not see."""
    if odd := facts.looked.odd:
        yield Finding(
            "kinds",
            "warning",
            f"{names(odd)} would not be in the task: neither file nor link, where the index has one",
            "put the file back with `git checkout -- PATH`, or take it out with `git rm --cached PATH`",
        )


def closed(facts: Facts) -> Iterator[Finding]:
    """What this user cannot read."""
    for tracked in (False, True):
        if those := [each.path for each in facts.looked.closed if each.tracked == tracked]:
            yield Finding(
                "unreadable files",
                "warning",
                f"{count(len(those), 'file')} cannot be read, so nobody knows what the task would lack: {names(those)}"
                if tracked
                else f"{count(len(those), 'file')} cannot be read, and would not be in the task: {names(those)}",
                "make it readable with `chmod u+r PATH`, or ask its owner to",
                () if tracked else tuple(those),
            )
    if folders := facts.closed_folders:
        yield Finding(
            "unreadable folders",
            "warning",
            f"{count(len(folders), 'folder')} cannot be looked into; nothing in there would be in the task: {', '.join(map(repr, folders[:3]))}",
            "make it readable with `chmod u+rx PATH`, if the task needs it",
        )

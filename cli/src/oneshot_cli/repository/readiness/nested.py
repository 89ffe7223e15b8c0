"""Repositories within the repository: their files are in no task."""

from collections.abc import Iterator

from oneshot_cli.repository.readiness.facts import Facts
from oneshot_cli.repository.readiness.finding import LEAVE_OUT, Finding, count, names

_HOW = (
    ("missing", "not checked out"),
    ("moved", "at another commit than the index says"),
    ("changed", "with changes of their own, which are in no task either"),
)


def submodules(facts: Facts) -> Iterator[Finding]:
    """Submodules, and repositories that were added like one."""
    modules = facts.submodules
    if not modules:
        return
    how = [
        f"{words}: {names(those)}"
        for kind, words in _HOW
        if (those := [each.path for each in modules if each.how == kind])
    ]
    missing = any(each.how == "missing" for each in modules)
    yield Finding(
        "submodules",
        "warning",
        f"the files of {count(len(modules), 'submodule')} are in no task: {names([each.path for each in modules])}"
        + (f" ({'; '.join(how)})" if how else ""),
        "choose work that needs none of them, or have the environment fetch them"
        + ("; `git submodule update --init` checks them out for yourself" if missing else ""),
    )


def repositories(facts: Facts) -> Iterator[Finding]:
    """Repositories that nobody added, with or without a commit."""
    if nested := facts.index.nested:
        yield Finding(
            "nested repositories",
            "warning",
            f"{count(len(nested), 'nested repository').replace('repositorys', 'repositories')} not tracked here, whose files are in no "
            f"task: {names(nested)}",
            f"move them elsewhere, or {LEAVE_OUT}",
            tuple(nested),
        )

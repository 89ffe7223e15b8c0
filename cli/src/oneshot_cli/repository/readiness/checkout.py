"""How the working tree stands to its repository, and what its author is called."""

from collections.abc import Iterator

from oneshot_cli.repository.readiness.facts import Facts
from oneshot_cli.repository.readiness.finding import Finding, count, names


def identity(facts: Facts) -> Iterator[Finding]:
    """A name and an address: captures make no commit of the person's, but an agent may want to."""
    name, email = facts.identity()
    missing = [
        f"`git config --global user.{key} {example}`"
        for key, value, example in (("name", name, '"Your Name"'), ("email", email, "you@example.org"))
        if not value
    ]
    if missing:
        yield Finding(
            "identity",
            "note",
            "git was not told who you are: captures do not need it, but a commit in this repository, yours or the agent's, may fail",
            f"set it with {' and '.join(missing)}",
        )


def head(facts: Facts) -> Iterator[Finding]:
    """A branch and a commit: captures need neither."""
    if not facts.head.commit:
        yield Finding("no commit", "note", "the repository has no commit yet; the task begins with the tree as it is")
    elif not facts.head.branch:
        yield Finding(
            "detached HEAD",
            "note",
            f"HEAD is detached at {facts.head.commit[:12]}; captures need no branch, but commits made now belong to none",
            "keep them with `git switch -c NAME`, if you make any",
        )


def dirty(facts: Facts) -> Iterator[Finding]:
    """A tree that differs from its commit: it is captured as it is."""
    differs = [
        count(number, what)
        for number, what in (
            (facts.head.staged, "staged change"),
            (len(facts.head.changed), "change not staged"),
            (len(facts.index.untracked), "untracked file"),
        )
        if number
    ]
    if differs and facts.head.commit:
        told = ", ".join(differs).replace("change not stageds", "changes not staged")
        yield Finding(
            "dirty tree", "note", f"the tree differs from its commit ({told}); it is captured exactly as it is"
        )


def sparse(facts: Facts) -> Iterator[Finding]:
    """Files that the index has and the working tree has not, by wish."""
    if absent := facts.index.absent:
        yield Finding(
            "sparse checkout",
            "warning",
            f"{count(len(absent), 'file')} outside of the sparse checkout would not be in the task: {names(absent)}",
            "check them out with `git sparse-checkout disable` if the task needs them",
        )


def hidden(facts: Facts) -> Iterator[Finding]:
    """Files that git was told to take for unchanged: snapshots look for themselves."""
    if paths := facts.index.hidden:
        yield Finding(
            "assume unchanged",
            "note",
            f"git was told to take {names(paths)} for unchanged; captured is what lies in the working tree",
            "to have git look again, use `git update-index --no-assume-unchanged PATH`",
        )


def left_out(facts: Facts) -> Iterator[Finding]:
    """What our own list leaves out, so that nobody has to wonder."""
    if facts.excluded:
        yield Finding(
            "left out",
            "note",
            f"{facts.exclude} leaves {count(len(facts.excluded), 'pattern')} out of this repository's tasks: "
            + ", ".join(repr(line) for line in facts.excluded[:3])
            + (" …" if len(facts.excluded) > 3 else ""),
            "to take something in again, remove its line",
        )

"""Files whose content is not what it stands for: a filter has yet to bring it."""

from collections.abc import Iterator
from dataclasses import dataclass

from oneshot_cli.repository.readiness.facts import Facts
from oneshot_cli.repository.readiness.finding import Finding, count, names


@dataclass(frozen=True)
class _StandIn:
    """What a filter's files begin with until their content is there."""

    begins: bytes
    check: str
    what: str
    command: str


_STAND_INS = (
    # https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
    _StandIn(
        b"version https://git-lfs.github.com/spec/v",
        "LFS pointers",
        "a Git LFS pointer in the place of its content",
        "git lfs pull",
    ),
    # https://github.com/AGWA/git-crypt/blob/master/commands.cpp
    _StandIn(b"\0GITCRYPT\0", "encrypted files", "encrypted by git-crypt", "git-crypt unlock"),
    # https://git-annex.branchable.com/internals/pointer_file/
    _StandIn(b"/annex/objects/", "annex pointers", "a git-annex pointer in the place of its content", "git annex get"),
)
_MOST_OPENED = 2_000
_HEAD_BYTES = max(len(each.begins) for each in _STAND_INS)


def stand_ins(facts: Facts) -> Iterator[Finding]:
    """Files that a filter left as it got them: the task would hold them without their content."""
    found: dict[_StandIn, list[bytes]] = {}
    sizes = {file.path: file.size for file in facts.looked.files} if facts.filtered else {}
    filtered = [path for paths in facts.filtered.values() for path in paths if path in sizes]
    for path in sorted(filtered, key=lambda path: (sizes[path], path))[:_MOST_OPENED]:  # pointers are small
        begins = facts.open(path, _HEAD_BYTES)
        if kind := next((each for each in _STAND_INS if begins.startswith(each.begins)), None):
            found.setdefault(kind, []).append(path)
    for kind, paths in found.items():
        yield Finding(
            kind.check,
            "warning",
            f"{count(len(paths), 'file')} {'is' if len(paths) == 1 else 'are each'} {kind.what}: {names(paths)}",
            f"bring it with `{kind.command}` first, or choose work that does not need it",
        )


def filters(facts: Facts) -> Iterator[Finding]:
    """Files with a filter are captured as they lie in the working tree, not as they would be committed."""
    if facts.filtered:
        told = ", ".join(
            f"{driver!r} ({count(len(paths), 'file')})" for driver, paths in sorted(facts.filtered.items())
        )
        yield Finding(
            "filters",
            "note",
            f"no filter is run: files with the filter {told} are captured as they lie in the working tree",
        )

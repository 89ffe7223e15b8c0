"""Files that look like they hold a secret: the task would, too, and whoever gets it."""

import re
from collections.abc import Iterator

from oneshot_cli.repository.readiness.facts import Facts
from oneshot_cli.repository.readiness.finding import LEAVE_OUT, Finding, count, names
from oneshot_shared import key_shapes

_MOST_FILES, _MOST_BYTES = 500, 1 << 16
# nothing but secrets is kept under these names
_SECRET = re.compile(rb"\.netrc|_netrc|\.git-credentials|\.pgpass|.+\.(?:p12|pfx|kdbx|keystore|jks|ppk)", re.IGNORECASE)
# these may hold some: their content tells
_SUSPECT = re.compile(
    rb"\.env(?:\..+)?|.+\.(?:env|pem|key|tfvars|tfstate)|\.npmrc|\.pypirc|\.yarnrc\.yml|id_[a-z0-9_]+|auth\.json"
    rb"|.*(?:credential|secret|service[-_]?account).*(?:\.(?:json|toml|ya?ml|ini|txt))|credentials",
    re.IGNORECASE,
)
# KEY=value, where the value is none that waits to be filled in
_ASSIGNED = re.compile(
    rb"""^[ \t]*(?:export[ \t]+|//\S+:)?["']?\w*(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD)["']?[ \t]*[=:][ \t]*["']?
    (?!your|change|example|xxx|todo|none|null|true|false|placeholder|dummy|test|[<$%{.*/])[^\s"'\#]{8,}""",
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_SAMPLE = re.compile(
    rb"\.(?:example|sample|template|dist|defaults?)(?:\.|$)|(?:^|[._-])(?:example|sample|template)[._-]", re.IGNORECASE
)


def secrets(facts: Facts) -> Iterator[Finding]:
    """By name, and by content where a name is suspect or the file is not in the last commit; a bounded number of them."""
    found: dict[bool, list[bytes]] = {True: [], False: []}
    changed = set(facts.head.changed)
    opened = 0
    for file in facts.looked.files:
        path, fresh = file.path, not file.tracked or file.path in changed
        name = path.rpartition(b"/")[2]
        suspect = bool(_SUSPECT.fullmatch(name)) and not _SAMPLE.search(name)
        if _SECRET.fullmatch(name):
            found[file.tracked].append(path)
        elif (suspect or fresh) and file.size <= _MOST_BYTES and opened < _MOST_FILES:
            opened += 1
            content = facts.open(path, _MOST_BYTES)
            if _holds_key(content) or (suspect and _ASSIGNED.search(content)):
                found[file.tracked].append(path)
    if paths := found[False]:
        yield _finding(
            paths,
            "untracked ",
            f"add them to .gitignore, or {LEAVE_OUT}",
            tuple(paths),
        )
    if paths := found[True]:
        yield _finding(paths, "tracked ", "see that no secret in there is worth anything, or choose another repository")


def _holds_key(content: bytes) -> bool:
    return any(number for _, number in key_shapes.masked([content]))


def _finding(paths: list[bytes], which: str, next_step: str, leave_out: tuple[bytes, ...] = ()) -> Finding:
    what = f"{count(len(paths), f'{which}file')} that may hold a secret would be in the task: {names(paths)}"
    return Finding("secrets", "warning", what, next_step, leave_out)

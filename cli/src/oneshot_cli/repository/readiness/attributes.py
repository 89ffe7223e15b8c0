"""Which files pass through a filter (gitattributes(5)): git is asked only where some attributes file names one."""

import os
from collections.abc import Mapping
from pathlib import Path

from oneshot_cli.repository.readiness.listing import Index
from oneshot_cli.repository.where import Repository

type Filtered = Mapping[str, tuple[bytes, ...]]
"""Filter → the paths that are to pass through it."""

_NAME = b".gitattributes"
_MOST_BYTES = 1 << 20


async def filtered(repository: Repository, index: Index) -> Filtered:
    """The files to be captured that have a filter, by filter."""
    paths = [*index.files, *index.untracked]
    if not any(_names_filter(file) for file in _files(repository, paths)):
        return {}
    said = await repository.ask("check-attr", "-z", "--stdin", "filter", stdin=b"".join(path + b"\0" for path in paths))
    fields = said.split(b"\0")
    found: dict[str, list[bytes]] = {}
    for path, value in zip(fields[0:-1:3], fields[2:-1:3], strict=True):
        if value not in (b"unspecified", b"unset", b"set"):
            found.setdefault(os.fsdecode(value), []).append(path)
    return {driver: tuple(those) for driver, those in found.items()}


def _files(repository: Repository, paths: list[bytes]) -> list[Path]:
    """Every attributes file that git would read: the tree's, the repository's, the person's, the machine's."""
    top = repository.top
    within = [top / os.fsdecode(path) for path in paths if path == _NAME or path.endswith(b"/" + _NAME)]
    environment = repository.environment
    home = Path(environment.get("HOME") or "/nonexistent")
    own = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "git" / "attributes"
    if given := repository.setting("core.attributesfile"):
        own = home / given.removeprefix("~/")
    return [*within, repository.common_dir / "info" / "attributes", own, Path("/etc/gitattributes")]


def _names_filter(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return b"filter=" in opened.read(_MOST_BYTES)
    except OSError:
        return False  # git, too, goes on without it

"""Names and times: a title becomes a folder's name that is safe everywhere."""

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta

_SLUG_LENGTH = 60  # with its time a folder's name stays below the 80 of oneshot_shared.task.SLUG


def rfc3339(moment: datetime) -> str:
    """A moment in UTC, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def slug(title: str) -> str:
    """Lower-case ASCII letters and digits with single hyphens between the words; `task` where none is left."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:_SLUG_LENGTH].strip("-") or "task"


def folder(title: str, moment: datetime, taken: Callable[[str], bool]) -> str:
    """`<slug>_<YYYYMMDD_HHMMSS>`; a second later for as long as the name is taken."""
    while taken(name := f"{slug(title)}_{moment:%Y%m%d_%H%M%S}"):
        moment += timedelta(seconds=1)
    return name

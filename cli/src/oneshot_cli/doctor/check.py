"""What a check says, and the few words to say it with."""

import re
from dataclasses import dataclass
from typing import Literal

from oneshot_shared.errors import sentence

type State = Literal["ok", "warn", "fail", "skip"]


@dataclass(frozen=True)
class Check:
    """One line of the doctor's: what was looked at, how it is, what was found, and what mends it."""

    name: str
    state: State
    found: str
    mend: str = ""


def ok(name: str, found: str) -> Check:
    """All is well."""
    return Check(name, "ok", found)


def skip(name: str, why: str) -> Check:
    """It does not matter here, or cannot be told."""
    return Check(name, "skip", why)


def refused(name: str, error: Exception, state: State = "fail") -> Check:
    """What `oneshot run` would say, `problem; next step`, in two parts."""
    found, mend = [*re.split(r"; |: (?=set |export |start )", sentence(error), maxsplit=1), ""][:2]
    return Check(name, state, found, mend)

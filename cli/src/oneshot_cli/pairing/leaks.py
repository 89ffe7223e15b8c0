"""Whether an instruction gives the answer away: a first check, which everybody can follow. Pure."""

import re
from collections.abc import Iterable

_SHORTEST = 12
_MOST = 3


def found(instructions: str, patch: Iterable[bytes]) -> list[str]:
    """Added lines of a patch (`git diff`, unified) that stand in the instructions word for word, at most three.

    Lines of fewer than 12 characters besides blanks say too little: `else:` gives nothing away.
    """
    said = _plain(instructions)
    lines: dict[str, None] = {}
    for line in patch if said else ():
        if line.startswith(b"+") and not line.startswith(b"+++ "):
            words = _plain(line[1:].decode(errors="replace"))
            if len(words.replace(" ", "")) >= _SHORTEST and words in said:
                lines[words] = None
                if len(lines) == _MOST:
                    break
    return list(lines)


def warning(lines: list[str]) -> str:
    """A sentence on them."""
    shown = ", ".join(repr(line[:100]) for line in lines)
    return f"the instructions hold lines of the answer word for word ({shown}); say what is wanted, not how it is done"


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()

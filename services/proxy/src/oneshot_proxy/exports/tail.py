"""What a request adds to the one before it: requests repeat their whole conversation, and reading it anew takes ever longer. Pure."""

import json
import re
from dataclasses import dataclass

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()
_NAMES = ("input", "messages")


@dataclass(frozen=True)
class Prefix:
    """A request's text up to the end of its last item: `begin` is where its first item stands."""

    text: str
    begin: int

    def rest(self, body: str) -> tuple[str, "Prefix"] | None:
        """A request without the items that stood in this one, and its own prefix; None where it is no continuation."""
        size = len(self.text)
        if not body.startswith(self.text) or size == self.begin:
            return None
        try:
            at = _after(body, size)
            end = _end(body, _after(body, at + 1)) if body[at] == "," else size
            if body[_after(body, end)] != "]" or _lists(body, _after(body, end) + 1):
                return None
        except (ValueError, IndexError, RecursionError):
            return None
        more = body[at + 1 :] if body[at] == "," else body[at:]
        return body[: self.begin] + more, Prefix(body[:end], self.begin)


def prefix(body: str) -> Prefix | None:
    """Of a request that is an object with one list of items."""
    try:
        found = _lists(body, 0)
    except (ValueError, IndexError, RecursionError):
        return None
    return found[0] if len(found) == 1 else None


def _lists(body: str, at: int) -> list[Prefix]:
    """The lists of items from a place in the outermost object on. :raises ValueError, IndexError, RecursionError: no object."""
    found: list[Prefix] = []
    at = _after(body, at)
    while body[at] in "{,":
        name, at = _DECODER.raw_decode(body, _after(body, at + 1))
        at = _after(body, _after(body, at) + 1)  # the colon
        if name in _NAMES and body[at] == "[":
            begin = _after(body, at + 1)
            end = begin if body[begin] == "]" else _end(body, begin)
            found.append(Prefix(body[:end], begin))
            at = _after(body, end) + 1
        else:
            found += [Prefix("", 0)] if name in _NAMES else []
            _, at = _DECODER.raw_decode(body, at)
        at = _after(body, at)
    if body[at] != "}":
        raise ValueError("no object")
    return found


def _end(body: str, at: int) -> int:
    """Where the last item of a list ends whose next one stands here."""
    while True:
        _, end = _DECODER.raw_decode(body, at)
        at = _after(body, end)
        if body[at] != ",":
            return end
        at = _after(body, at + 1)


def _after(body: str, at: int) -> int:
    found = _SPACE.match(body, at)
    assert found
    return found.end()

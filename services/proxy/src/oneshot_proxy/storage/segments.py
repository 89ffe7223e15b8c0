"""Where a request body may be cut, so that items which recur are found again whole.

A cut is only ever a hint: the pieces between cuts always add up to the body, whatever it holds.
"""

import json.scanner
import re
from collections.abc import Iterator

MIN_BYTES = 256
"""Shorter pieces go together with what follows them: a reference would cost as much."""
MAX_BYTES = 4 * 1024 * 1024
"""So much is looked at a time: Python's lock is held meanwhile. The next turn of the conversation goes on from the last cut."""
_blank = re.compile(r"[ \t\n\r]*").match
_scan = json.scanner.make_scanner(json.JSONDecoder(strict=False))  # type: ignore[arg-type] # typeshed wants a subclass


def cuts(body: bytes, at: int = 0, array: str = "") -> Iterator[tuple[int, str]]:
    """Ends of top-level members and of the elements of top-level arrays: (offset, key of the array it lies in, or nothing).

    `at` and `array` go on from an earlier cut. It stops at the first thing that is no JSON: the rest is the last piece.
    Read as Latin-1, so that every offset is one of bytes: JSON's own characters are ASCII, and others stand in strings only.
    """
    last = at
    text = body[at : at + MAX_BYTES].decode("latin-1")
    for end, within in _ends(text, array, fresh=not at):
        if at + end - last >= MIN_BYTES:
            last = at + end
            yield last, within


def _ends(text: str, array: str, fresh: bool) -> Iterator[tuple[int, str]]:
    try:
        at = 0
        if fresh:
            at = _past(text, 0) + 1
            if text[at - 1] != "{":
                return
        while True:
            at = _past(text, at)
            if text[at] == ",":
                at = _past(text, at + 1)
            if array and text[at] == "]":
                array, at = "", at + 1
                continue
            if not array:
                key, at = _scan(text, at)  # at the end of it all there is no value
                at = _past(text, at) + 1
                if text[at - 1] != ":":
                    return
                at = _past(text, at)
                if text[at] == "[":
                    array, at = str(key), _past(text, at + 1)
                    continue
            _, at = _scan(text, at)
            yield at, array
    except (StopIteration, IndexError, ValueError, RecursionError):
        return


def _past(text: str, at: int) -> int:
    found = _blank(text, at)
    assert found is not None
    return found.end()

"""Values from the wire as every JSON reader takes them, and no more of them than a document is to hold. Pure."""

import json
import math
from typing import Any

from oneshot_proxy.exports.contract import Losses
from oneshot_proxy.protocols.reading import string, written

MOST = 64 * 1024 * 1024
DEEPEST = 32  # what is nested deeper is given as JSON text; readers of JSON stop at some depth, the first at 100
_LONGEST_WHOLE = 1000
_LARGEST = 2**63


def clean(value: object, deepest: int = DEEPEST) -> Any:  # noqa: ANN401 -- JSON
    """A JSON value without lone surrogates; NaN, infinities and numbers beyond 64 bits as text, as is what is nested deep."""
    if isinstance(value, str):
        return string(value)
    if isinstance(value, dict | list | tuple) and deepest <= 0:
        return written(value)
    if isinstance(value, dict):
        return {string(key): clean(each, deepest - 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [clean(each, deepest - 1) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        return hex(value)
    return value


class Room:
    """How much a document still takes; beyond it, texts are shortened, and that is a loss.

    room = Room(losses)
    step["message"] = room.text(item.text)
    """

    def __init__(self, losses: Losses, most: int = MOST) -> None:
        self._losses = losses
        self._left = most

    def text(self, text: str) -> str:
        """The text, clean, or its beginning."""
        text = string(text)
        size = len(json.dumps(text, ensure_ascii=False).encode())
        if self._takes(size if len(text) > _LONGEST_WHOLE else min(size, _LONGEST_WHOLE)):
            return text
        return f"{text[:_LONGEST_WHOLE]} [and {len(text) - _LONGEST_WHOLE} characters more]"

    def value(self, value: dict[str, Any]) -> dict[str, Any]:
        """The object, clean, or the beginning of its JSON text."""
        text = written(value)
        return clean(value) if self._takes(len(text)) else {"shortened": string(text[:_LONGEST_WHOLE])}

    def _takes(self, size: int) -> bool:
        if size <= max(self._left, _LONGEST_WHOLE):
            self._left -= size
            return True
        self._losses.add("the rest of texts that no longer fit into it: it holds 64 MB of them")
        return False

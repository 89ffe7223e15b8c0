"""Words of a recording put in terms of another run: its working directory, and the ids that its tools gave. Pure."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from oneshot_proxy.cassette import Item
from oneshot_proxy.drift import path_pattern

_LITERAL = ("type", "id", "call_id", "encrypted_content")


@dataclass
class Substitution:
    """`words`: what stands in the recording, to what takes its place."""

    words: dict[str, str] = field(default_factory=dict)

    def applied(self, item: Item) -> Item:
        """An item with every word replaced in every text of it; inside of JSON arguments as JSON writes it."""
        changed = {old: new for old, new in self.words.items() if old != new}
        if not changed:
            return item
        return {key: value if key in _LITERAL else _applied(value, changed, key) for key, value in item.items()}


def _applied(value: Any, words: dict[str, str], key: str) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(value, str):
        return replaced(value, {_json(old): _json(new) for old, new in words.items()} if key == "arguments" else words)
    if isinstance(value, list):
        return [_applied(each, words, key) for each in value]
    if isinstance(value, dict):
        return {name: _applied(each, words, name) for name, each in value.items()}
    return value


def _json(word: str) -> str:
    return json.dumps(word, ensure_ascii=False)[1:-1]


def replaced(text: str, words: dict[str, str]) -> str:
    """Every word replaced in one pass, where it is not a part of a longer one."""
    longest_first = sorted(words, key=len, reverse=True)
    pattern = "|".join(
        path_pattern(word).pattern if word[0].isalnum() or word[0] == "/" else re.escape(word) for word in longest_first
    )
    return re.sub(pattern, lambda found: words[found[0]], text)

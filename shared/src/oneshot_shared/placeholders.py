"""Placeholders in a task's commands: `{name}` for the names we know; any other brace is the command's own."""

import re
from collections.abc import Mapping


def fill(text: str, words: Mapping[str, str]) -> str:
    """The text with each `{name}` of `words` replaced; what was put in is not looked at again."""
    return re.sub(r"\{([^{}]*)\}", lambda found: words.get(found[1], found[0]), text)

"""Bodies as agents send them, and as nobody should."""

import json
from typing import Any

from hypothesis import strategies as st

TEXTS = st.text(alphabet=st.characters(exclude_categories=()), max_size=400)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def json_text(draw: st.DrawFn) -> str:
    """An object with arrays at its top, written with odd blanks, keys that stand twice, and with or without escapes."""
    members = draw(
        st.lists(st.tuples(st.sampled_from(("input", "tools", "messages", "model", "ключ")), VALUES), max_size=5)
    )
    blank = st.sampled_from(("", " ", "\n\t", "  \r\n"))
    ascii_only = draw(st.booleans())
    out = [draw(blank), "{"]
    for number, (key, value) in enumerate(members):
        items = [value] * draw(st.integers(1, 3)) if draw(st.booleans()) else None
        out += [
            "," if number else "",
            draw(blank),
            json.dumps(key, ensure_ascii=ascii_only),
            draw(blank),
            ":",
            draw(blank),
        ]
        out += [
            json.dumps(
                value if items is None else items, ensure_ascii=ascii_only, indent=draw(st.sampled_from((None, 1)))
            )
        ]
    return "".join([*out, draw(blank), "}", draw(blank)])


def _cut(pair: tuple[bytes, int]) -> bytes:
    return pair[0][: pair[1]]


JSON = json_text().map(lambda text: text.encode("utf-8", "surrogatepass"))
BODIES = (
    JSON
    | st.tuples(JSON, st.integers(0, 500)).map(_cut)
    | st.binary(max_size=2000)
    | st.tuples(JSON, st.binary(max_size=10), JSON).map(b"".join)
)
"""JSON, JSON cut anywhere, anything, JSON around anything."""


def item(number: int, words: str = "") -> dict[str, Any]:
    """An entry of a conversation, long enough to be a piece of its own."""
    return {"type": "message", "role": "user", "content": f"{words} {number} " + f"word{number} " * 60}


def request(*items: dict[str, Any], turn: str = "") -> bytes:
    """A request with a conversation in its middle, as Codex sends it."""
    tools = [{"type": "function", "name": f"tool{number}", "description": "t" * 300} for number in range(3)]
    body = {"model": "gpt-5", "instructions": "i" * 2000, "input": items, "tools": tools, "metadata": {"turn": turn}}
    return json.dumps(body, separators=(",", ":")).encode()

"""Placeholders in a task's commands."""

import pytest

from oneshot_shared.placeholders import fill

WORDS = {"tree": "/t", "env": "/e{tree}", "a.b": "dot"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{tree}/src:{tree}", "/t/src:/t"),
        ("{env}", "/e{tree}"),
        ("print({}, {0}, {tree!r}, { tree }, {other})", "print({}, {0}, {tree!r}, { tree }, {other})"),
        ("{{tree}}", "{/t}"),
        ("{a.b}{aXb}{", "dot{aXb}{"),
        ("", ""),
    ],
)
def test_fill(text: str, filled: str) -> None:
    assert fill(text, WORDS) == filled


def test_without_words_nothing_changes() -> None:
    assert fill("{}{tree}", {}) == "{}{tree}"

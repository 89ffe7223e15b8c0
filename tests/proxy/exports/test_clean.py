"""Whatever an agent or a provider sends, every export is a document that readers take."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneshot_proxy.cassette import parse
from oneshot_proxy.exports import cassette, raw, rollout
from oneshot_proxy.exports.clean import DEEPEST, Room, clean
from oneshot_proxy.exports.contract import Exporter, Losses
from proxy.exports.builders import exported, pieces, record


def nested(depth: int) -> Any:
    found: Any = "end"
    for _ in range(depth):
        found = {"in": [found]}
    return found


STRANGE = [{"cmd": "\ud83d", "\udc00": 1}, {"n": math.nan, "i": [math.inf, 2**63]}, nested(400), nested(2000)]


def loaded(text: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_strings_numbers_and_depth() -> None:
    assert clean({"a\ud83d": ["\ud83d", 1, None, True, 0.5]}) == {"a?": ["?", 1, None, True, 0.5]}
    assert clean([math.nan, -math.inf, 2**63]) == ["nan", "-inf", "0x8000000000000000"]
    assert json.dumps(clean(nested(DEEPEST))).count("[") == json.dumps(nested(DEEPEST)).count("[")
    assert clean([[["x"]]], deepest=2) == [['["x"]']]


def test_texts_beyond_the_room_are_shortened_and_a_loss() -> None:
    losses = Losses()
    room = Room(losses, 5000)
    assert room.text("a" * 4000) == "a" * 4000
    assert losses.sentences == []
    assert room.text("b" * 4000) == "b" * 1000 + " [and 3000 characters more]"
    assert room.value({"c": "c" * 4000}) == {"shortened": ('{"c":"' + "c" * 1000)[:1000]}
    assert room.text("short") == "short"
    assert room.text("\U0001f600" * 900) == "\U0001f600" * 900, "characters, not bytes"
    assert losses.sentences == ["the rest of texts that no longer fit into it: it holds 64 MB of them"]


async def test_a_flood_does_not_make_a_large_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Room.__init__, "__defaults__", (50_000,))
    flood = [record(seq, {"input": str(seq) * 40_000}, [], 400) for seq in range(1, 9)]
    document, losses = await exported(flood)
    assert len(json.dumps(document)) < 80_000
    assert any("64 MB" in loss for loss in losses)


def everywhere(value: Any) -> Any:
    """A call that has a value wherever one may stand."""
    said = {"type": "message", "role": "user", "content": value}
    arguments = json.dumps(value)
    call = {"type": "function_call", "name": "f", "call_id": "c", "arguments": arguments, "more": value}
    result = {"type": "function_call_output", "call_id": "c", "output": value}
    request = {"input": [said, {"type": "strange", "is": value}, result, value], "metadata": value, "model": "m"}
    tools = [
        {"type": "function", "name": value, "parameters": value, "description": value},
        {"name": "g", "type": value},
    ]
    return record(
        1,
        request | {"tools": tools, "reasoning": {"effort": value}},
        [call, {"type": "message", "content": [], "x": value}],
    )


@pytest.mark.parametrize("value", [*STRANGE, "\ud83d", math.nan])
@pytest.mark.parametrize("export", [rollout.export, raw.export])
async def test_lines_are_json_whatever_was_said(export: Exporter, value: Any) -> None:
    document, _ = await pieces(export, [everywhere(value)])
    assert all(isinstance(loaded(line), dict) for line in document.splitlines())
    document.decode()


@pytest.mark.parametrize("value", [*STRANGE, "\ud83d", math.nan])
async def test_a_trajectory_whatever_was_said(value: Any) -> None:
    document, _ = await exported([everywhere(value)])
    assert document["steps"][-1]["tool_calls"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=50)
@given(_JSON)
async def test_any_json_everywhere(value: Any) -> None:
    document, _ = await exported([everywhere(value)])
    assert loaded(json.dumps(document).encode()) == document
    content, _ = await pieces(cassette.export, [everywhere(value)])
    assert len(parse("any", content).entries) == 1
    for export in (rollout.export, raw.export):
        lines, _ = await pieces(export, [everywhere(value)])
        assert all(isinstance(loaded(line), dict) for line in lines.decode().split("\n")[:-1])

"""The one model of a call."""

import pytest

from oneshot_proxy.model import Item, Kind


@pytest.mark.parametrize(
    ("kind", "role", "emitted"),
    [
        ("message", "assistant", True),
        ("message", "user", False),
        ("reasoning", "assistant", True),
        ("tool_call", "assistant", True),
        ("tool_result", "tool", False),
        ("tools", "developer", False),
        ("other", "", False),
    ],
)
def test_what_the_model_made(kind: Kind, role: str, emitted: bool) -> None:
    assert Item(kind, role, {}).emitted is emitted

"""What is no text."""

import pytest

from oneshot_proxy.exports import media
from oneshot_proxy.model import Item


@pytest.mark.parametrize(
    ("raw", "kinds"),
    [
        ({"content": [{"type": "input_text"}, {"type": "input_image"}, {"type": "image_url"}]}, ["image", "image"]),
        (
            {"output": [{"type": "input_file"}, {"type": "document"}, {"type": "input_audio"}]},
            ["file", "document", "audio"],
        ),
        ({"content": "text"}, []),
        ({}, []),
    ],
)
def test_parts(raw: dict[str, object], kinds: list[str]) -> None:
    assert media.parts(Item("message", "user", raw)) == kinds


def test_encrypted() -> None:
    assert media.encrypted(Item("reasoning", "assistant", {"encrypted_content": "x"}))
    assert media.encrypted(Item("reasoning", "assistant", {"type": "thinking", "signature": "x"}))
    assert not media.encrypted(Item("reasoning", "assistant", {"encrypted_content": None}))

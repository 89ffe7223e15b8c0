"""What of an item is no text."""

from collections.abc import Iterator
from typing import Any

from oneshot_proxy.model import Item
from oneshot_proxy.protocols.reading import string

_KINDS = ("image", "audio", "file", "document")


def parts(item: Item) -> list[str]:
    """The kind of each part of a message or a tool's result that is an image, a sound or a file."""
    return [kind for part in _parts(item.raw) for kind in _KINDS if kind in string(part.get("type"))]


def encrypted(item: Item) -> bool:
    """Whether an item's content can only be read by the provider."""
    return any(item.raw.get(key) for key in ("encrypted_content", "signature", "data"))


def _parts(raw: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in ("content", "output"):
        found = raw.get(name)
        yield from (part for part in found if isinstance(part, dict)) if isinstance(found, list) else ()

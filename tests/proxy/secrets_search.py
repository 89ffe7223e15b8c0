"""Looks for secrets in files, also in what is compressed there."""

import contextlib
from pathlib import Path

import zstandard

_ZSTD = b"\x28\xb5\x2f\xfd"
_MOST = 64 * 1024 * 1024


def holding(folder: Path, *secrets: str) -> list[str]:
    """The files below a folder that hold one of these values, as they are or in a zstd frame; empty when none does."""
    assert all(secrets)
    values = [secret.encode() for secret in secrets]
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    assert files, f"{folder} holds nothing: there is nothing to search"
    return [str(file) for file in files if any(value in text for text in _texts(file.read_bytes()) for value in values)]


def _texts(data: bytes) -> list[bytes]:
    found, start = [data], data.find(_ZSTD)
    while start >= 0:
        with contextlib.suppress(zstandard.ZstdError):  # it may only look like the beginning of a frame
            found.append(zstandard.ZstdDecompressor().decompressobj().decompress(data[start:])[:_MOST])
        start = data.find(_ZSTD, start + 1)
    return found

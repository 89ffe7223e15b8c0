"""The list of what snapshots of a working tree leave out (state.exclude_file), in gitignore's syntax."""

import os
import re
from pathlib import Path


def read(file: Path) -> list[str]:
    """Its patterns, each for git's `-x`; none where there is no list."""
    try:
        lines = file.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    return [os.fsdecode(line) for line in lines if line.strip() and not line.startswith(b"#")]


def pattern(path: bytes) -> bytes:
    """The pattern of one path relative to the top. A line's end has no place in a line: any one character is in its place."""
    return b"/" + re.sub(rb"[\\*?\[ ]", rb"\\\g<0>", path).replace(b"\n", b"?").replace(b"\r", b"?")

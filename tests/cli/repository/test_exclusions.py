"""The list: read as bytes, and patterns that stand for one path."""

import os
import subprocess
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from oneshot_cli.repository import exclusions
from oneshot_cli.repository.exclusions import pattern


def test_read(tmp_path: Path) -> None:
    file = tmp_path / "exclude"
    assert exclusions.read(file) == []
    file.write_bytes(b"# ours\n\n/caf\xe9\n*.log \n/a\x0bb\xc2\x85c")
    assert exclusions.read(file) == ["/caf\udce9", "*.log ", "/a\x0bb\x85c"]


@given(
    st.binary(min_size=1, max_size=12).filter(
        lambda n: not {0, 47} & set(n) and n not in (b".", b"..") and n[:4].lower() != b".git"
    )
)
@settings(max_examples=60, deadline=None)
def test_a_pattern_stands_for_its_path(name: bytes) -> None:
    with tempfile.TemporaryDirectory() as top:
        subprocess.run(["git", "init", "-q"], cwd=top, check=True)
        os.close(os.open(os.path.join(os.fsencode(top), name), os.O_CREAT))  # noqa: PTH118 -- bytes
        command = ["git", "ls-files", "-z", "--others"]
        assert subprocess.check_output(command, cwd=top) == name + b"\0"
        assert subprocess.check_output([*command, "-x", pattern(name)], cwd=top) == b""
        Path(top, ".git", "info", "exclude").write_bytes(pattern(name) + b"\n")
        assert subprocess.check_output([*command, "--exclude-standard"], cwd=top) == b""


def test_a_pattern_stands_for_no_other_path() -> None:
    assert pattern(b"a*b") == rb"/a\*b"
    assert pattern(b"#x/ y ") == rb"/#x/\ y\ "
    assert pattern(b"!a\\?[b]") == rb"/!a\\\?\[b]"
    assert pattern(b"a\nb") == b"/a?b"

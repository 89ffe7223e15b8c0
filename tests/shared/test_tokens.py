"""A stack's token."""

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from oneshot_shared import tokens


def test_it_is_made_once_and_is_the_callers_alone(tmp_path: Path) -> None:
    file = tokens.ensure(tmp_path / "token")
    token = file.read_text()
    assert len(token) >= 40
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert tokens.ensure(tmp_path / "token").read_text() == token
    assert [each.name for each in tmp_path.iterdir()] == ["token"]


def test_of_many_who_make_it_at_once_all_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: tokens.ensure(tmp_path / "token").read_text(), range(64)))
    assert len(found) == 1
    assert len(found.pop()) >= 40
    assert [each.name for each in tmp_path.iterdir()] == ["token"]


def test_as_a_program_it_is_for_a_group(tmp_path: Path) -> None:
    file = tmp_path / "token"
    for _ in range(2):
        made = subprocess.run(
            [sys.executable, "-m", "oneshot_shared.tokens", str(file)], capture_output=True, timeout=30, check=True
        )
        assert (made.stdout, made.stderr) == (b"", b"")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640

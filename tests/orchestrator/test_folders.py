"""Folders on this machine."""

import asyncio
import os
import resource
import time
from pathlib import Path

import pytest

from oneshot_orchestrator import folders
from orchestrator import trees


def test_a_folder_is_removed_whatever_its_modes(tmp_path: Path) -> None:
    folder = trees.write({b"a/b/c": ("file", b""), b"a/link": ("link", b"/etc")}, tmp_path / "f")
    (folder / "a" / "b").chmod(0)
    (folder / "a").chmod(0o500)
    folders.remove(folder)
    assert not folder.exists()
    assert Path("/etc").stat().st_mode & 0o777 == 0o755
    folders.remove(folder)


def test_a_folder_is_removed_however_deep(tmp_path: Path) -> None:
    trees.nest(tmp_path / "f", "d", 2500)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, limits[1]))
    try:
        folders.remove(tmp_path / "f")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert not (tmp_path / "f").exists()


def test_what_cannot_be_removed_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rm").write_text("#!/bin/sh\necho $3: device or resource busy >&2\nexit 1\n")
    (tmp_path / "rm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "f").mkdir()
    folders.remove(tmp_path / "f")
    assert "f: device or resource busy" in "".join(capsys.readouterr())


@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancelled_call_is_waited_for(tmp_path: Path, fails: bool) -> None:
    def work() -> None:
        time.sleep(0.2)
        (tmp_path / "late").touch()
        if fails:
            raise OSError("too late for anybody")

    working = asyncio.create_task(folders.on_thread(work))
    await asyncio.sleep(0.05)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert (tmp_path / "late").exists()


async def test_a_call_returns_and_raises() -> None:
    assert await folders.on_thread(int, "11", base=2) == 3
    with pytest.raises(ValueError, match="invalid literal"):
        await folders.on_thread(int, "x")

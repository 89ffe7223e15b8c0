"""git obeys nobody, leaves nothing behind, and says why it failed."""

import asyncio
import errno
import os
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from oneshot_shared import git
from oneshot_shared.git import Git


async def repository(folder: Path) -> Git:
    folder.mkdir()
    made = Git(folder, folder / "index")
    await made.init()
    return made


async def test_neither_the_machines_nor_a_trees_settings_are_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    config = tmp_path / "home" / ".gitconfig"
    config.parent.mkdir()
    config.write_text(
        f'[core]\n\tautocrlf = true\n\tfsmonitor = "touch {ran}"\n\texcludesFile = {tmp_path}/excludes\n'
        f'[init]\n\ttemplateDir = {tmp_path}/template\n[filter "evil"]\n\tclean = touch {ran}\n\trequired = true\n'
    )
    (tmp_path / "excludes").write_text("*\n")
    (tmp_path / "template" / "hooks").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(config.parent))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    made = await repository(tmp_path / "git")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a").write_bytes(b"1\r\n")
    (tree / ".gitattributes").write_text("* text eol=crlf filter=evil\n")
    await made("add", "-A", ".", work_tree=tree)
    assert await made("cat-file", "-p", ":a") == b"1\r\n"
    assert not ran.exists()
    assert not (tmp_path / "git" / "hooks").exists()


async def test_new_objects_go_where_they_are_told(tmp_path: Path) -> None:
    made = await repository(tmp_path / "git")
    (tmp_path / "objects").mkdir()
    other = Git(made.folder, objects=tmp_path / "objects")
    oid = (await other("hash-object", "-w", "--stdin", stdin=b"x")).decode().strip()
    assert await other("cat-file", "-p", oid) == b"x"
    with pytest.raises(subprocess.CalledProcessError) as caught:
        await made("cat-file", "-p", oid)
    assert "Not a valid object name" in caught.value.stderr


async def test_output_without_end_is_cut(tmp_path: Path) -> None:
    made = await repository(tmp_path / "git")
    oid = (await made("hash-object", "-w", "--stdin", stdin=b"x" * 1_000_000)).decode().strip()
    assert len(await made.most(1_000_000, "cat-file", "-p", oid)) == 1_000_000
    with pytest.raises(OverflowError, match="git cat-file says more than 999999 bytes"):
        await made.most(999_999, "cat-file", "-p", oid)
    with pytest.raises(subprocess.CalledProcessError, match="cat-file"):
        await made.most(1, "cat-file", "-p", "0" * 40)


async def test_a_cancelled_call_leaves_no_process(tmp_path: Path) -> None:
    made = await repository(tmp_path / "git")
    endless = tmp_path / "endless"
    os.mkfifo(endless)
    for call in (made("hash-object", str(endless)), made.most(1, "hash-object", str(endless))):
        task = asyncio.create_task(call)
        while not _processes(str(endless)):  # noqa: ASYNC110 -- another process starts
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 10)
        assert not _processes(str(endless))


def _processes(words: str) -> list[str]:
    lines = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if line.startswith("git ") and words in line]


async def test_a_full_disk_is_the_machines_fault(tmp_path: Path) -> None:
    made = await repository(tmp_path / "git")
    with pytest.raises(OSError, match="No space left on device") as caught:
        await made("-c", "alias.full=!cat /etc/passwd > /dev/full", "full")
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize(
    "path", [".git", "a/.git/config", ".GIT/hooks", "git~1", "x/GIT~1/y", ".git ", ".git..", "a\\.git", ".git::$x"]
)
def test_is_git(path: str) -> None:
    assert git.is_git(PurePosixPath(path))


@pytest.mark.parametrize("path", [".gitignore", "git", "a/.github/x", ".git2"])
def test_is_not_git(path: str) -> None:
    assert not git.is_git(PurePosixPath(path))

"""git obeys nobody, leaves nothing behind, and says why it failed."""

import asyncio
import errno
import os
import subprocess
from contextlib import aclosing
from pathlib import Path, PurePosixPath

import pytest

from oneshot_shared import git
from oneshot_shared.errors import NotReady
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


async def test_output_in_chunks_that_one_may_leave(tmp_path: Path) -> None:
    made = await repository(tmp_path / "git")
    oid = (await made("hash-object", "-w", "--stdin", stdin=b"x" * 1_000_000)).decode().strip()
    assert b"".join([chunk async for chunk in made.chunks("cat-file", "-p", oid)]) == b"x" * 1_000_000
    assert await first(made, "cat-file", "-p", oid)
    assert not _processes(oid)
    with pytest.raises(subprocess.CalledProcessError, match="cat-file"):
        await first(made, "cat-file", "-p", "0" * 40)


async def first(made: Git, *words: str) -> bytes:
    async with aclosing(made.chunks(*words)) as chunks:
        return await anext(chunks)


async def test_a_cancelled_call_leaves_no_process(tmp_path: Path) -> None:
    made = await repository(tmp_path / "git")
    endless = tmp_path / "endless"
    os.mkfifo(endless)
    for call in (made, lambda *words: first(made, *words)):
        task = asyncio.create_task(call("hash-object", str(endless)))
        while not _processes(str(endless)):  # noqa: ASYNC110 -- another process starts
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 10)
        assert not _processes(str(endless))


def _processes(words: str) -> list[str]:
    lines = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if "git -c" in line and words in line]


async def test_a_machine_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await repository(tmp_path / "git")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotReady, match="git is not installed"):
        await made("--version")


async def test_a_full_disk_is_the_machines_fault(tmp_path: Path) -> None:
    made = await repository(tmp_path / "git")
    with pytest.raises(OSError, match="No space left on device") as caught:
        await made("-c", "alias.full=!cat /etc/passwd > /dev/full", "full")
    assert caught.value.errno == errno.ENOSPC
    with Path("/dev/full").open("wb") as full, pytest.raises(OSError, match="No space"):  # noqa: ASYNC230
        await made("hash-object", "--stdin", stdout=full)


async def test_output_goes_where_it_is_told(tmp_path: Path) -> None:
    made = await repository(tmp_path / "git")
    with (tmp_path / "said").open("wb") as said:
        assert await made("hash-object", "--stdin", stdin=b"x", stdout=said) == b""
    assert len((tmp_path / "said").read_bytes()) == 41


@pytest.mark.parametrize(
    "path", [".git", "a/.git/config", ".GIT/hooks", "git~1", "x/GIT~1/y", ".git ", ".git..", "a\\.git", ".git::$x"]
)
def test_is_git(path: str) -> None:
    assert git.is_git(PurePosixPath(path))


@pytest.mark.parametrize("path", [".gitignore", "git", "a/.github/x", ".git2"])
def test_is_not_git(path: str) -> None:
    assert not git.is_git(PurePosixPath(path))

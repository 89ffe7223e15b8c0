"""A tree on its way out of a sandbox."""

import asyncio
import io
import os
import socket
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from oneshot_orchestrator.backends import trees
from oneshot_orchestrator.contract import Spoilt
from oneshot_orchestrator.folders import remove
from oneshot_shared import archive
from oneshot_shared.git import is_git
from orchestrator import trees as toy
from orchestrator.trees import Tree

TREE: Tree = {
    b"a": ("exec", b"1"),
    b"d/\xff": ("link", b"/etc/shadow"),
    b"d/n\nl": ("file", b"\0" * 5),
    b"d/.git2": ("file", b""),
}


def members(file: io.IOBase) -> list[str]:
    with tarfile.open(fileobj=file) as tar:  # type: ignore[call-overload]
        return sorted(f"{member.name} {member.type.decode()}" for member in tar)


def test_a_folder_is_packed_without_git_sockets_and_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = toy.write(TREE | {b".git/config": ("file", b""), b"d/.GIT/x": ("file", b"")}, tmp_path / "tree")
    (folder / "same").hardlink_to(folder / "a")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "kept").touch()
    os.mkfifo(folder / "pipe")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    refused = []
    with trees.packed(folder) as file:
        unpack = archive.unpack
        unpack(file, tmp_path / "out", strip=1, skip=is_git, refused=lambda name, _: refused.append(name))
    assert sorted(refused) == [os.fsdecode(b"d/\xff"), "pipe"]
    more: Tree = {b"same": ("exec", b"1"), b"__pycache__/kept": ("file", b"")}
    assert toy.read(tmp_path / "out") == {name: e for name, e in TREE.items() if e[0] != "link"} | more


@pytest.mark.parametrize("what", ["gone", "link", "file"])
def test_where_the_folder_is_none_the_tree_is_empty(tmp_path: Path, what: str) -> None:
    if what == "link":
        (tmp_path / "tree").symlink_to("/etc")
    elif what == "file":
        (tmp_path / "tree").touch()
    with trees.packed(tmp_path / "tree") as file:
        assert members(file) == []


def test_hard_links_of_an_engines_tar_become_copies(tmp_path: Path) -> None:
    engine = io.BytesIO()
    with tarfile.open(fileobj=engine, mode="w") as tar:
        for name, kind, target, content in (
            ("app", tarfile.DIRTYPE, "", b""),
            ("app/one", tarfile.REGTYPE, "", b"content"),
            ("app/two", tarfile.LNKTYPE, "app/one", b""),
            ("app/link", tarfile.SYMTYPE, "one", b""),
            ("app/three", tarfile.LNKTYPE, "app/link", b""),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.size = kind, target, len(content)
            tar.addfile(member, io.BytesIO(content))
    with trees.received([engine.getvalue()]) as file:
        archive.unpack(file, tmp_path / "out", strip=1)
    content = ("file", b"content")
    assert toy.read(tmp_path / "out") == {
        b"one": content,
        b"two": content,
        b"link": ("link", b"one"),
        b"three": ("link", b"one"),
    }


def test_a_tree_that_is_too_large_is_the_agents_fault(tmp_path: Path) -> None:
    caps = archive.Caps(bytes=1000)
    folder = tmp_path / "tree"
    folder.mkdir()
    with (folder / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(Spoilt, match="more than 1000 bytes"):
        trees.packed(folder, caps)
    header = tarfile.TarInfo("app/file")
    header.size = 1 << 40
    read = []

    def engine() -> Iterator[bytes]:
        for chunk in (header.tobuf(), b"x" * 512):
            read.append(chunk)
            yield chunk

    with pytest.raises(Spoilt, match="more than 1000 bytes"):
        trees.received(engine(), caps)
    assert len(read) == 1  # its header says so
    with pytest.raises(Spoilt, match="more than 1000 bytes"):
        trees.received([tarfile.TarInfo(str(number)).tobuf() for number in range(3)], caps)


def test_a_path_that_is_too_long_is_a_name_that_nobody_can_make(tmp_path: Path) -> None:
    folder = toy.write(TREE, tmp_path / "tree")
    at = os.open(folder, os.O_RDONLY)
    for _ in range(90):
        os.mkdir("x" * 50, dir_fd=at)
        at, above = os.open("x" * 50, os.O_RDONLY, dir_fd=at), at
        os.close(above)
    os.close(at)
    refused = []
    with trees.packed(folder) as file:
        archive.unpack(file, tmp_path / "longer", strip=1, refused=lambda name, why: refused.append((name[:9], why)))
    assert ("x" * 9, "has a name that is not possible here (File name too long)") in refused
    assert b"a" in toy.read(tmp_path / "longer")
    remove(folder)


def test_what_cannot_be_read_is_made_readable() -> None:
    nobody = 65534
    with tempfile.TemporaryDirectory(prefix="osb-") as place:
        folder = toy.write(TREE, Path(place) / "tree")
        Path(place).chmod(0o755)
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, nobody, nobody, follow_symlinks=False)
        (folder / "a").chmod(0)
        (folder / "d").chmod(0)
        was_root = os.geteuid() == 0
        if was_root:
            os.setresuid(nobody, nobody, 0)
        try:
            with trees.packed(folder) as file:
                assert len(members(file)) == len(TREE)
        finally:
            if was_root:
                os.setresuid(0, 0, 0)


async def test_a_file_that_nobody_waits_for_any_more_is_closed() -> None:
    made = io.BytesIO(b"x")

    def make() -> IO[bytes]:
        time.sleep(0.1)
        return made

    assert (await trees.handed_over(asyncio.to_thread(make))).read() == b"x"
    waiting = asyncio.create_task(trees.handed_over(asyncio.to_thread(make)))
    await asyncio.sleep(0.02)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0.2)
    assert made.closed


def test_more_files_than_are_taken_are_noticed_while_they_come() -> None:
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as made:
        for number in range(4):
            made.addfile(tarfile.TarInfo(f"tree/{number}"))
    with trees.received([tar.getvalue()], archive.Caps(files=4)) as file:
        assert len(members(file)) == 4
    with pytest.raises(Spoilt, match="has more than 3 files and folders, the maximum"):
        trees.received([tar.getvalue()], archive.Caps(files=3))


def test_many_hard_links_take_no_time() -> None:
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as made:
        made.addfile(tarfile.TarInfo("tree/a"))
        for number in range(20_000):
            link = tarfile.TarInfo(f"tree/{number}")
            link.type, link.linkname = tarfile.LNKTYPE, "tree/a"
            made.addfile(link)
    with trees.received([tar.getvalue()]) as file:  # looked up one by one it would take half a minute
        assert len(members(file)) == 20_001

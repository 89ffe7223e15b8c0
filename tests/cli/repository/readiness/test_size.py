"""Sizes and numbers; large files are holes."""

import os

import pytest

from cli.repository.readiness.repo import Repo
from oneshot_cli.repository.readiness import size
from oneshot_shared.archive import Caps

MIB = 2**20


def _hole(repo: Repo, name: str, size_: int) -> None:
    os.truncate(repo.write(name, ""), size_)


async def test_huge(repo: Repo) -> None:
    _hole(repo, "small.bin", 50 * MIB - 1)
    _hole(repo, "big.bin", 60 * MIB)
    _hole(repo, "ignored.bin", 60 * MIB)
    repo.write(".gitignore", "ignored.bin\n")
    one = await repo.only("huge files")
    assert (one.level, one.leave_out) == ("warning", (b"big.bin",))
    assert one.sentence == "1 untracked file of 50 MiB or more would be in the task: 'big.bin'; the largest has 60 MiB"


async def test_too_huge_for_a_snapshot(repo: Repo) -> None:
    _hole(repo, "beyond.bin", 200 * MIB)
    one = await repo.only("huge files")
    assert "1 untracked file of more than 100 MiB would not be in the task: 'beyond.bin'" in one.sentence
    assert one.leave_out == (b"beyond.bin",)


async def test_huge_and_tracked(repo: Repo) -> None:
    repo.commit("big.bin")
    _hole(repo, "big.bin", 60 * MIB)
    one = await repo.only("huge files")
    assert "1 tracked file of" in one.sentence
    assert not one.mendable


async def test_more_than_is_taken(repo: Repo) -> None:
    repo.commit("big.bin")
    _hole(repo, "big.bin", size.CAPS.bytes)
    found = {each.check: each for each in await repo.check()}
    assert found["size"].level == "blocker"
    assert "at most 200000 files and 4.0 GiB are taken" in found["size"].sentence
    _hole(repo, "big.bin", size.PACK_BYTES + 1)
    found = {each.check: each for each in await repo.check()}
    assert found["size"].level == "warning"
    assert "ONESHOT_CAPTURE_PACK_MB" in found["size"].next_step


async def test_too_many(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.write("second.txt")
    monkeypatch.setattr(size, "CAPS", Caps(files=2))
    assert "size" not in [each.check for each in await repo.check()]
    repo.write("third.txt")
    assert (await repo.only("size")).level == "blocker"


async def test_made_by_tools(repo: Repo) -> None:
    for name in (
        "web/node_modules/a/index.js",
        "web/node_modules/b/node_modules/c/index.js",
        "env/pyvenv.cfg",
        "env/bin/python",
        "target/CACHEDIR.TAG",
        "target/debug/x",
        "src/__pycache__/a.pyc",
        "src/new.py",
    ):
        repo.write(name)
    repo.commit("kept/node_modules/mine.js")
    one = await repo.only("made by tools")
    assert one.level == "warning"
    assert one.sentence.startswith("7 untracked files that tools make anew would be in the task: ")
    assert one.leave_out == (b"env/", b"src/__pycache__/", b"target/", b"web/node_modules/")


async def test_many_untracked(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size, "MANY_UNTRACKED", 5)
    for number in range(4):
        repo.write(f"data/{number}")
        repo.write(f"node_modules/{number}")
    assert {each.check for each in await repo.check()} == {"made by tools", "dirty tree"}
    repo.write("one")
    found = {each.check: each for each in await repo.check()}
    assert found["untracked files"].sentence == "5 untracked files would be in the task, most of them (4) in 'data/'"

"""What a pack tells of a tree."""

from pathlib import Path

import pytest

from capture.harness import Repository
from oneshot_capture.http import readiness
from oneshot_shared.errors import BadInput
from orchestrator.trees import Tree

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


async def looked(folder: Path, *lines: bytes, tree: Tree | None = None) -> list[str]:
    repository = await Repository.make(folder / "repository")
    inner = await repository.tree(tree or {b"a": ("file", b"")})
    oid = await repository.raw(b"040000 tree %s\tin" % inner.encode(), *lines)
    (folder / "pack").write_bytes(await repository.pack_of(oid, inner, *await _blobs(repository, inner)))
    async with readiness.opened(folder / "pack", folder) as trees:
        found, remarks = await readiness.look(trees, oid)
    assert all(entry.path.startswith(b"in/") for entry in found.entries)
    assert not list(folder.glob(".new-*"))
    return remarks


async def _blobs(repository: Repository, tree: str) -> list[str]:
    said = await repository.git("ls-tree", "-r", "--object-only", tree)
    return said.decode().split()


async def test_a_sound_tree(tmp_path: Path) -> None:
    assert await looked(tmp_path) == []


async def test_pointers_links_submodules_and_huge_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_HUGE_BYTES", 500)
    tree: Tree = {b"big.bin": ("file", POINTER), b"out": ("link", b"/etc/passwd"), b"huge": ("file", b"x" * 501)}
    assert await looked(tmp_path, b"160000 commit %s\tsub" % (b"1" * 40), tree=tree) == [
        "'in/out' was left out: it is a link that leads out of the tree",
        "'sub' was left out: it is a submodule, whose files are not in the tree",
        "1 files are Git LFS pointers ('in/big.bin'): agents will see these, not what they stand for",
        "1 files have more than 0 MiB ('in/huge'): every sandbox will hold them",
    ]


async def test_many_are_cut(tmp_path: Path) -> None:
    tree: Tree = {b"l%d" % n: ("link", b"/x") for n in range(8)} | {b"p%d" % n: ("file", POINTER) for n in range(7)}
    found = await looked(tmp_path, tree=tree)
    assert found[5] == "3 more were left out"
    assert found[6].startswith("7 files are Git LFS pointers")
    assert ", …)" in found[6]


async def test_what_is_no_tree(tmp_path: Path) -> None:
    (tmp_path / "pack").write_bytes(b"no pack")
    with pytest.raises(BadInput, match="no git pack"):
        async with readiness.opened(tmp_path / "pack", tmp_path):
            pass

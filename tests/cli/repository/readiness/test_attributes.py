"""Filters, wherever an attributes file may name them."""

from pathlib import Path

import pytest

from cli.repository.readiness.repo import Repo


@pytest.mark.parametrize(
    "where", [".gitattributes", "data/.gitattributes", ".git/info/attributes", "home/.config/git/attributes", "own"]
)
async def test_every_attributes_file(repo: Repo, tmp_path: Path, where: str) -> None:
    repo.write("data/a.bin")
    repo.write("data/a.txt")
    assert (await repo.facts()).filtered == {}
    file = (tmp_path if where.startswith(("home", "own")) else repo.top) / where
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("*.bin filter=lfs -text\n")
    if where == "own":
        repo.git("config", "core.attributesFile", str(file))
    assert (await repo.facts()).filtered == {"lfs": (b"data/a.bin",)}


async def test_the_persons_home_is_known_in_a_setting(repo: Repo, tmp_path: Path) -> None:
    repo.write("a.bin")
    (tmp_path / "home" / "mine").write_text("*.bin filter=x\n")
    repo.git("config", "core.attributesFile", "~/mine")
    assert (await repo.facts()).filtered == {"x": (b"a.bin",)}


async def test_a_linked_worktree_has_the_repositorys(repo: Repo) -> None:
    (repo.top / ".git" / "info" / "attributes").write_text("*.md filter=x\n")
    linked = repo.top.with_name("linked")
    repo.git("worktree", "add", "-q", "-b", "other", str(linked))
    assert (await Repo(linked, repo.state).facts()).filtered == {"x": (b"README.md",)}


async def test_unset_is_none(repo: Repo) -> None:
    repo.write(".gitattributes", "* filter=x\n*.md !filter\n.git* -filter\n")
    assert (await repo.facts()).filtered == {}

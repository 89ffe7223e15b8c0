"""Repositories within the repository."""

import shutil
from pathlib import Path

import pytest

from cli.repository.readiness.repo import Repo


@pytest.fixture
def lib(repo: Repo, tmp_path: Path) -> Path:
    """A repository to be a submodule of."""
    made = tmp_path / "lib"
    made.mkdir()
    repo.git("init", "-q", "-b", "main", at=made)
    repo.git("commit", "-qm", "1", "--allow-empty", at=made)
    return made


def _add(repo: Repo, lib: Path, name: str) -> Path:
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(lib), name)
    repo.git("commit", "-qm", name)
    return repo.top / name


async def test_submodule(repo: Repo, lib: Path) -> None:
    _add(repo, lib, "lib")
    one = await repo.only("submodules")
    assert (one.level, one.sentence) == ("warning", "the files of 1 submodule are in no task: 'lib'")
    assert not one.mendable


async def test_submodules_in_every_state(repo: Repo, lib: Path) -> None:
    changed, missing, moved = (_add(repo, lib, name) for name in ("changed", "missing", "moved"))
    (changed / "new.txt").touch()
    repo.git("commit", "-qm", "2", "--allow-empty", at=moved)
    repo.git("submodule", "--quiet", "deinit", "missing")
    assert missing.is_dir()
    one = await repo.only("submodules")
    assert (
        "not checked out: 'missing'; at another commit than the index says: 'moved'; with changes of their own"
        in one.sentence
    )
    assert "`git submodule update --init`" in one.next_step


async def test_added_like_a_submodule(repo: Repo, lib: Path) -> None:
    shutil.copytree(lib, repo.top / "vendored")
    repo.git("add", "vendored")
    repo.git("commit", "-qm", "vendored")
    assert "'vendored'" in (await repo.only("submodules")).sentence


async def test_untracked_with_and_without_a_commit(repo: Repo, lib: Path) -> None:
    shutil.copytree(lib, repo.top / "one")
    (repo.top / "deep").mkdir()
    repo.git("init", "-q", "deep/empty")
    one = await repo.only("nested repositories")
    assert one.level == "warning"
    assert one.sentence == "2 nested repositories not tracked here, whose files are in no task: 'deep/empty/', 'one/'"
    assert one.leave_out == (b"deep/empty/", b"one/")
    repo.write(".gitignore", "/one\n/deep\n")
    assert "nested repositories" not in [each.check for each in await repo.check()]


async def test_bare_ones_are_files_like_others(repo: Repo) -> None:
    repo.git("init", "-q", "--bare", "fixture.git")
    found = [each.check for each in await repo.check()]
    assert "nested repositories" not in found

"""How the working tree stands to its repository."""

import pytest

from cli.repository.readiness.repo import Repo
from oneshot_cli.repository import readiness


async def test_identity(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = await readiness.check_folder(repo.top, repo.state)
    assert (one.check, one.level) == ("identity", "note")
    assert '`git config --global user.name "Your Name"` and `git config --global user.email' in one.next_step
    repo.git("config", "user.name", "Ada")
    (one,) = await readiness.check_folder(repo.top, repo.state)
    assert one.next_step == "set it with `git config --global user.email you@example.org`"
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "ada@example.org")
    assert await readiness.check_folder(repo.top, repo.state) == []
    monkeypatch.delenv("GIT_AUTHOR_EMAIL")
    repo.git("config", "--global", "user.email", "ada@example.org")
    assert await readiness.check_folder(repo.top, repo.state) == []


async def test_detached(repo: Repo) -> None:
    repo.git("checkout", "-q", "--detach")
    one = await repo.only("detached HEAD")
    assert one.level == "note"
    assert repo.git("rev-parse", "HEAD")[:12] in one.sentence


async def test_no_commit_yet(repo: Repo) -> None:
    repo.git("checkout", "-q", "--orphan", "new")
    repo.write("more.txt")
    assert (await repo.only("no commit")).level == "note"


async def test_dirty(repo: Repo) -> None:
    for name in "ab":
        repo.commit(name)
    repo.write("staged.txt")
    repo.git("add", "staged.txt")
    repo.write("a", "changed\n")
    (repo.top / "b").unlink()
    for name in ("new 1", "new 2"):
        repo.write(name)
    one = await repo.only("dirty tree")
    assert one.level == "note"
    assert one.sentence.startswith(
        "the tree differs from its commit (1 staged change, 2 changes not staged, 2 untracked files)"
    )


async def test_a_touched_file_is_not_dirty(repo: Repo) -> None:
    (repo.top / "README.md").touch()
    assert await repo.check() == []


async def test_sparse(repo: Repo) -> None:
    repo.commit("in/a")
    repo.commit("out/b")
    repo.git("sparse-checkout", "set", "in")
    one = await repo.only("sparse checkout")
    assert one.level == "warning"
    assert one.sentence == "1 file outside of the sparse checkout would not be in the task: 'out/b'"


async def test_partial_and_shallow_clones_are_fine(repo: Repo) -> None:
    repo.commit("more")
    repo.git("config", "uploadpack.allowFilter", "true")
    for name, option in (("partial", "--filter=tree:0"), ("shallow", "--depth=1")):
        clone = repo.top.with_name(name)
        repo.git("clone", "-q", option, f"file://{repo.top}", str(clone))
        assert await repo.check(clone) == []


async def test_linked_worktrees_are_fine(repo: Repo) -> None:
    linked = repo.top.with_name("linked")
    repo.git("worktree", "add", "-q", "-b", "other", str(linked))
    assert await repo.check(linked) == []
    assert await repo.check() == []
    repo.git("bisect", "start", at=linked)
    assert (await repo.only("bisect", linked)).level == "warning"
    assert await repo.check() == [], "it is the linked one's"


async def test_assume_unchanged(repo: Repo) -> None:
    repo.git("update-index", "--assume-unchanged", "README.md")
    one = await repo.only("assume unchanged")
    assert one.level == "note"
    assert "'README.md'" in one.sentence


async def test_what_our_list_leaves_out_is_told(repo: Repo) -> None:
    facts = await repo.facts()
    facts.exclude.parent.mkdir(parents=True)
    facts.exclude.write_text("# ours\n/big.bin\n/data/\n")
    one = await repo.only("left out")
    assert one.level == "note"
    assert one.sentence == f"{facts.exclude} leaves 2 patterns out of this repository's tasks: '/big.bin', '/data/'"

"""Operations under way, each brought about by git itself."""

import os
import time

import pytest

from cli.repository.readiness.repo import Repo


@pytest.mark.parametrize(
    ("check", "command"),
    [
        ("merge", ["merge", "other"]),
        ("rebase", ["rebase", "other"]),
        ("rebase", ["rebase", "--apply", "other"]),
        ("cherry-pick", ["cherry-pick", "other"]),
        ("revert", ["revert", "HEAD~1"]),
    ],
)
async def test_under_way(repo: Repo, check: str, command: list[str]) -> None:
    repo.conflict(*command)
    blockers = [each for each in await repo.check() if each.level == "blocker"]
    assert [each.check for each in blockers] == [check, "conflicts"]
    assert f"`git {check} --abort`" in blockers[0].next_step
    assert not blockers[0].mendable, "only a person can tell"
    assert blockers[1].sentence == "1 path in conflict: 'conflict.txt'"
    repo.git(check, "--abort")
    assert not await repo.check()


async def test_am(repo: Repo) -> None:
    repo.conflict("status")
    patch = repo.git("format-patch", "-1", "--stdout", "other")
    repo.git("am", fails=True, stdin=patch + "\n")
    one = await repo.only("am")
    assert one.level == "blocker"
    assert "`git am --abort`" in one.next_step


async def test_between_two_picks(repo: Repo) -> None:
    repo.conflict("cherry-pick", "other", "other~1")
    repo.write("conflict.txt", "settled\n")
    repo.git("add", "conflict.txt")
    repo.git("commit", "-qm", "settled")
    assert (await repo.only("cherry-pick")).level == "blocker"


async def test_a_rebase_is_not_told_of_as_a_pick_too(repo: Repo) -> None:
    repo.conflict("rebase", "other")
    assert (repo.top / ".git" / "CHERRY_PICK_HEAD").exists() or (repo.top / ".git" / "REBASE_HEAD").exists()
    assert "cherry-pick" not in [each.check for each in await repo.check()]


async def test_bisect(repo: Repo) -> None:
    repo.commit("file.txt", "2\n")
    repo.commit("file.txt", "3\n")
    repo.git("bisect", "start", "HEAD", "HEAD~2")
    found = {each.check: each.level for each in await repo.check()}
    assert found == {"bisect": "warning", "detached HEAD": "note"}


async def test_markers_in_what_was_in_conflict(repo: Repo) -> None:
    repo.write("about.md", "<<<<<<< how git shows a conflict\n>>>>>>> the end\n")
    repo.git("add", "about.md")
    repo.git("commit", "-qm", "about")
    repo.conflict("merge", "other")
    repo.git("add", "conflict.txt")
    found = {each.check: each for each in await repo.check()}
    assert found["conflict markers"].level == "warning"
    assert found["conflict markers"].sentence.endswith(": 'conflict.txt'"), "and not about.md"
    repo.write("conflict.txt", "both\n")
    repo.git("add", "conflict.txt")
    assert "conflict markers" not in [each.check for each in await repo.check()]


async def test_conflict_of_a_stash(repo: Repo) -> None:
    repo.commit("file.txt", "1\n")
    repo.write("file.txt", "2\n")
    repo.git("stash")
    repo.commit("file.txt", "3\n")
    repo.git("stash", "pop", fails=True)
    assert (await repo.only("conflicts")).level == "blocker"


async def test_a_lock_that_was_left(repo: Repo) -> None:
    lock = repo.top / ".git" / "index.lock"
    lock.touch()
    assert not await repo.check(), "another git is at work just now"
    os.utime(lock, (time.time() - 100, time.time() - 100))
    assert "another git is at work, or was killed" in (await repo.only("index lock")).sentence

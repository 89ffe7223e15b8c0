"""All checks together: silent on a sound repository, and harmless on the worst."""

import os
import sys
from pathlib import Path

import pytest

from cli.repository.readiness.repo import Repo
from oneshot_cli.repository import readiness, where
from oneshot_cli.repository.autofix import autofix
from oneshot_cli.repository.readiness.facts import Facts
from oneshot_cli.repository.readiness.finding import Finding
from oneshot_cli.repository.snapshot import Snapshots


async def test_silence(repo: Repo) -> None:
    repo.commit(".gitattributes", "*.py text eol=crlf\n")
    repo.commit("src/a.py", "print('é')\r\n")
    repo.commit(".gitignore", "*.pyc\nnode_modules\n")
    repo.write("src/__pycache__/a.pyc")
    repo.write("node_modules/x/index.js")
    (repo.top / "link").symlink_to("src/a.py")
    repo.git("add", "link")
    repo.git("commit", "-qm", "link")
    for name in ("user.name", "user.email"):
        repo.git("config", name, "someone")
    with repo.untouched():
        assert await readiness.check_folder(repo.top, repo.state) == []
        assert await readiness.check_folder(repo.top / "src", repo.state) == []
    assert not repo.state.exists()


async def test_nothing_of_the_persons_runs_or_is_written(repo: Repo, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho $0 $* >> {mark}\ncat\n")
    program.chmod(0o755)
    hooks = repo.top / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "post-checkout", "fsmonitor-watchman", "pre-commit"):
        (hooks / name).write_text(program.read_text())
        (hooks / name).chmod(0o755)
    repo.commit(".gitattributes", "* filter=mine diff=mine\n*.txt text eol=crlf working-tree-encoding=UTF-16\n")
    repo.commit("a.bin")
    for verb in ("clean", "smudge", "process"):
        repo.git("config", f"filter.mine.{verb}", str(program))
    repo.git("config", "filter.mine.required", "true")
    repo.git("config", "core.fsmonitor", str(program))
    repo.git("config", "core.untrackedCache", "true")
    repo.git("config", "diff.mine.textconv", str(program))
    repo.git("config", "core.pager", str(program))
    os.utime(repo.top / "a.bin", (1, 1))  # so that git compares contents
    repo.write("README.md", "# hello\n")
    mark.unlink(missing_ok=True)
    assert {each.check for each in await repo.check()} == {"dirty tree", "filters"}
    assert not mark.exists(), mark.read_text()


async def test_an_unfinished_state_of_everything(repo: Repo) -> None:
    repo.conflict("merge", "other")
    repo.git("init", "-q", "nested")
    repo.write("node_modules/a.js")
    repo.write(".env", "TOKEN=abcdefghijk\n")
    (repo.top / "out").symlink_to("/")
    found = await repo.check()
    levels = [each.level for each in found]
    assert levels == sorted(levels, key=["blocker", "warning", "note"].index), "the gravest first"
    assert not readiness.ready(found)
    assert all(each.sentence and not each.sentence.endswith(".") for each in found)
    assert all(each.next_step for each in found if each.level != "note")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (["init", "-q", "--bare", "there"], "bare"),
        (["init", "-q", "--object-format=sha256", "there"], "sha256"),
        (["init", "-q", "there/.git/no"], "git"),
    ],
)
async def test_what_is_no_base_at_all(repo: Repo, tmp_path: Path, make: list[str], words: str) -> None:
    repo.git(*make, at=tmp_path)
    (one,) = await readiness.check_folder(tmp_path / "there")
    assert (one.check, one.level) == ("repository", "blocker")
    assert words in one.sentence
    assert one.next_step or ": " in one.sentence


async def test_no_repository_and_no_folder(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        (one,) = await readiness.check_folder(folder)
        assert (one.check, one.level) == ("repository", "blocker")


async def test_an_index_that_cannot_be_read(repo: Repo) -> None:
    (repo.top / ".git" / "index").write_bytes(b"DIRC broken")
    (one,) = await repo.check()
    assert (one.check, one.level) == ("repository", "blocker")
    assert "git cannot read the repository (" in one.sentence


async def test_a_check_that_breaks_hides_no_other(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(facts: Facts) -> list[Finding]:
        raise KeyError("odd")

    monkeypatch.setattr(readiness, "CHECKS", (broken, readiness.checkout.head))
    repo.git("checkout", "-q", "--detach")
    first, second = await repo.check()
    assert (first.check, first.level, second.check) == ("broken", "warning", "detached HEAD")
    assert "KeyError: 'odd'" in first.sentence


async def test_what_is_told_is_what_a_snapshot_does(repo: Repo, tmp_path: Path) -> None:
    repo.commit("in/a.txt")
    repo.commit("out/b.txt")
    repo.commit("pipe")
    repo.git("sparse-checkout", "set", "--no-cone", "/*", "!/out")
    (repo.top / "pipe").unlink()
    os.mkfifo(repo.top / "pipe")
    repo.git("init", "-q", "nested")
    repo.write("nested/file")
    repo.write("GIT~1/config")
    os.truncate(repo.write("huge.bin", ""), 101 * 2**20)
    repo.write("node_modules/a.js")
    repo.git("update-index", "--assume-unchanged", "README.md")
    repo.write("README.md", "changed\n")
    found = {
        each.check
        for each in await repo.check()
        if "would not be in the task" in each.sentence or "in no task" in each.sentence
    }
    assert found == {"sparse checkout", "kinds", "nested repositories", "names", "huge files"}
    taken, left_out = await _snapshot(repo, tmp_path / "1")
    assert taken == {"README.md", "in/a.txt", "node_modules/a.js"}
    assert len(left_out) == len(found)
    await autofix(await where.find(repo.top), repo.state)
    taken, left_out = await _snapshot(repo, tmp_path / "2")
    assert taken == {"README.md", "in/a.txt"}
    assert len(left_out) == 2, "the sparse checkout and the pipe, which only a person can mend"


async def _snapshot(repo: Repo, place: Path) -> tuple[set[str], tuple[str, ...]]:
    place.mkdir()
    snapshot = await Snapshots(place, await where.find(repo.top), repo.state).begin()
    listed = repo.git("ls-tree", "-r", "--name-only", snapshot.tree, at=place / "git")
    return set(listed.splitlines()), snapshot.left_out


async def test_every_check_is_documented() -> None:
    assert all(one.__doc__ for one in readiness.CHECKS)
    assert len(set(readiness.CHECKS)) == len(readiness.CHECKS)
    mine = {name for name in sys.modules if name.startswith("oneshot_cli.repository.readiness.")}
    listed = {one.__module__ for one in readiness.CHECKS}
    for name in mine:
        checks = [
            value
            for key, value in vars(sys.modules[name]).items()
            if callable(value) and not key.startswith("_") and getattr(value, "__annotations__", {}).get("facts")
        ]
        assert not checks or name in listed
        assert all(check in readiness.CHECKS for check in checks), name

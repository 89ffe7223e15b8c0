"""Mending: on our own list, and nowhere else."""

import os
import stat
from pathlib import Path

import pytest

from cli.repository.readiness.repo import Repo, make
from oneshot_cli.repository import readiness, state, where
from oneshot_cli.repository.autofix import Mended, autofix


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """One with one commit."""
    made = make(tmp_path, monkeypatch)
    made.commit("README.md")
    return made


async def _fix(repo: Repo) -> list[Mended]:
    with repo.untouched():
        return await autofix(await where.find(repo.top), repo.state)


async def test_what_can_be_left_out_is(repo: Repo) -> None:
    os.truncate(repo.write("big [1].bin", ""), 60 * 2**20)
    repo.git("init", "-q", "nested")
    repo.write("web/node_modules/a.js")
    repo.write(".env", "TOKEN=abcdefghijk\n")
    repo.write("kept.txt")
    before = {each.check for each in await repo.check()}
    mended = await _fix(repo)
    assert [each.check for each in mended] == ["huge files", "made by tools", "secrets", "nested repositories"]
    file = state.exclude_file(repo.state, repo.top)
    assert (
        mended[0].sentence == f"'big [1].bin' left out of this repository's tasks, by {file}; nothing else was changed"
    )
    assert before - {each.check for each in await repo.check()} == {each.check for each in mended}
    assert (await repo.facts()).index.untracked == [b"kept.txt"]
    assert file.read_text().splitlines()[1:] == ["/big\\ \\[1].bin", "/web/node_modules/", "/.env", "/nested/"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(repo.state.stat().st_mode) == 0o700
    assert [*file.parent.iterdir()] == [file]


async def test_again_it_changes_nothing(repo: Repo) -> None:
    assert await _fix(repo) == []
    assert not repo.state.exists(), "and where nothing is to be mended, nothing is written"
    repo.write("node_modules/a.js")
    await _fix(repo)
    file = state.exclude_file(repo.state, repo.top)
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    assert await _fix(repo) == []
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


async def test_a_persons_own_lines_stay(repo: Repo) -> None:
    file = state.exclude_file(repo.state, repo.top)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"/mine caf\xe9")
    repo.write("node_modules/a.js")
    await _fix(repo)
    assert file.read_bytes() == b"/mine caf\xe9\n/node_modules/\n"


async def test_what_was_added_on_purpose_stays(repo: Repo) -> None:
    repo.commit("kept/node_modules/mine.js")
    repo.write("kept/node_modules/more.js")
    repo.write("node_modules/a.js")
    assert [each.sentence.split(" left")[0] for each in await _fix(repo)] == ["'node_modules/'"]
    index = (await repo.facts()).index
    assert (b"kept/node_modules/mine.js" in index.files, index.untracked) == (True, [b"kept/node_modules/more.js"])


async def test_what_only_a_person_can_mend_is_left_alone(repo: Repo) -> None:
    repo.conflict("merge", "other")
    assert await _fix(repo) == []
    assert not readiness.ready(await repo.check())


async def test_a_folder_that_cannot_be_written(repo: Repo) -> None:
    repo.write("node_modules/a.js")
    repo.state.write_text("a file")
    with pytest.raises(OSError, match=r"exclude|state"):
        await _fix(repo)

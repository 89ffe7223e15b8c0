"""Names and kinds."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.repository.readiness.repo import Repo, make


async def test_links(repo: Repo) -> None:
    (repo.top / "dir").mkdir()
    for name, target in {
        "in": "README.md",
        "dir/up": "../README.md",
        "out": "/etc/passwd",
        "dir/far": "../../x",
    }.items():
        (repo.top / name).symlink_to(target)
    repo.git("add", "out")
    one = await repo.only("links")
    assert one.level == "warning"
    assert one.sentence == "2 links out of the tree would not be in the task: 'out', 'dir/far'"


async def test_names_that_are_left_out(repo: Repo) -> None:
    repo.write("GIT~1/config")
    one = await repo.only("names")
    assert (one.level, one.leave_out) == ("warning", (b"GIT~1/config",))
    repo.write(".github/workflows/ci.yml")
    repo.write(".gitignore", "GIT~1\n")
    assert "names" not in [each.check for each in await repo.check()]


async def test_a_tracked_name_is_for_the_person_to_change(repo: Repo) -> None:
    repo.git("-c", "core.protectNTFS=false", "commit", "-qm", "x", "--allow-empty")
    repo.write("a/git~1")
    repo.git("-c", "core.protectNTFS=false", "add", ".")
    one = await repo.only("names")
    assert (one.level, one.mendable) == ("warning", False)


async def test_case(repo: Repo) -> None:
    repo.commit("Makefile")
    repo.write("makefile")
    one = await repo.only("case")
    assert one.level == "note"
    assert "'Makefile', 'makefile'" in one.sentence


async def test_a_pipe_in_the_place_of_a_file(repo: Repo) -> None:
    os.mkfifo(repo.top / "ours")
    assert await repo.check() == [], "git does not see it, nor does a snapshot"
    repo.commit("theirs")
    (repo.top / "theirs").unlink()
    os.mkfifo(repo.top / "theirs")
    one = await repo.only("kinds")
    assert one.level == "warning"
    assert one.sentence == "'theirs' would not be in the task: neither file nor link, where the index has one"


@pytest.fixture
def common(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repo]:
    """A repository of a user who is not root; root can read everything."""
    with tempfile.TemporaryDirectory(prefix="osr-", dir="/tmp") as place:
        made = make(Path(place), monkeypatch)
        made.commit("README.md")
        yield made


@contextlib.contextmanager
def _as_common_user(repo: Repo) -> Iterator[None]:
    if os.geteuid():
        yield
        return
    for here, folders, files in os.walk(repo.top.parents[1]):
        for name in (".", *folders, *files):
            os.chown(Path(here, name), 65534, 65534, follow_symlinks=False)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_unreadable(common: Repo) -> None:
    common.commit("tracked").encode()
    for name in ("tracked", "new", "locked/inside"):
        common.write(name).chmod(0)
    (common.top / "locked").chmod(0)
    with _as_common_user(common):
        found = [each for each in await common.check() if each.check.startswith("unreadable")]
    (common.top / "locked").chmod(0o700)
    files = [each for each in found if each.check == "unreadable files"]
    assert [(each.level, each.leave_out) for each in files] == [("warning", (b"new",)), ("warning", ())]
    assert "'new'" in files[0].sentence
    assert "'tracked'" in files[1].sentence
    (folder,) = [each for each in found if each.check == "unreadable folders"]
    assert "'locked'" in folder.sentence


async def test_names_that_are_no_text(repo: Repo) -> None:
    path = os.fsencode(repo.top) + b"/caf\xe9"
    Path(os.fsdecode(path)).symlink_to("/etc")
    assert "'caf?'" in (await repo.only("links")).sentence

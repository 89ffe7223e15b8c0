"""A repository is found from anywhere in it, or refused with a sentence; its git runs no program of the person's."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cli.repository.person import Person
from oneshot_cli.repository.where import find
from oneshot_shared.errors import BadInput, NotReady
from orchestrator.trees import Tree

TREE: Tree = {b"src/a.py": ("file", b"1\n")}


async def test_it_is_found_from_a_folder_deep_in_it(person: Person) -> None:
    person.commit(TREE)
    found = await find(person.top / "src", person.environment)
    assert found.top == person.top
    assert found.git_dir == found.common_dir == person.top / ".git"
    assert found.objects == person.top / ".git" / "objects"
    assert found.index == person.top / ".git" / "index"
    assert found.tree == person.git("rev-parse", "HEAD^{tree}").strip()


async def test_without_a_commit_there_is_no_tree(person: Person) -> None:
    assert (await person.find()).tree == ""


async def test_a_linked_worktree_has_its_own_index_and_shares_the_rest(person: Person, tmp_path: Path) -> None:
    person.commit(TREE)
    person.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "other")
    found = await find(tmp_path / "linked", person.environment)
    assert found.top == tmp_path / "linked"
    assert found.git_dir == person.top / ".git" / "worktrees" / "linked"
    assert found.common_dir == person.top / ".git"
    assert found.objects == person.top / ".git" / "objects"
    assert found.index == found.git_dir / "index"


async def test_settings_are_all_read_and_the_last_one_holds(person: Person) -> None:
    (person.home / ".gitconfig").write_text('[user]\n\tname = Old\n[remote "Up.Stream"]\n\turl = x\n[core]\n\tbare\n')
    person.git("config", "core.bare", "false")
    person.git("config", "user.name", "New\nLine")
    found = await person.find()
    assert found.config["user.name"] == ("Old", "New\nLine")
    assert found.setting("user.name") == "New\nLine"
    assert found.setting("remote.Up.Stream.url") == "x"
    assert found.config["core.bare"][0] == "true"
    assert found.setting("no.such") is None


async def test_variables_that_name_another_repository_are_not_obeyed(person: Person, tmp_path: Path) -> None:
    person.environment |= {
        "GIT_DIR": "/nonexistent",
        "GIT_INDEX_FILE": "/nonexistent",
        "GIT_TRACE": str(tmp_path / "log"),
    }
    assert (await person.find()).top == person.top
    assert not (tmp_path / "log").exists()


async def test_settings_given_by_variables_stay(person: Person) -> None:
    person.environment |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c"}
    found = await person.find()
    assert found.setting("a.b") == "c"
    assert await found.ask("config", "a.b") == b"c\n"
    assert await found.ask("config", "core.fsmonitor") == b"false\n"


async def test_filters_of_any_name_are_silent(person: Person) -> None:
    for key in ("clean", "process"):
        person.git("config", f"filter.a=b.C.{key}", "touch /nonexistent/ran")
    person.git("config", "filter.a=b.C.required", "true")
    found = await person.find()
    assert await found.ask("config", "filter.a=b.C.clean") == b"\n"
    assert await found.ask("config", "filter.a=b.C.process") == b"\n"
    assert await found.ask("config", "filter.a=b.C.required") == b"false\n"


async def test_what_git_says_against_a_command_is_told(person: Person) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        await (await person.find()).ask("cat-file", "-p", "nothing")
    assert "Not a valid object name" in caught.value.stderr


async def refused(person: Person, folder: Path) -> str:
    with pytest.raises(BadInput) as caught:
        await find(folder, person.environment)
    return str(caught.value)


async def test_no_repository(person: Person, tmp_path: Path) -> None:
    person.environment["GIT_CEILING_DIRECTORIES"] = str(tmp_path)
    said = await refused(person, person.home)
    assert said == f"{person.home} is in no git repository; run `git init` there, or start the agent in your repository"


async def test_no_folder(person: Person) -> None:
    assert "cannot be entered (No such file or directory)" in await refused(person, person.top / "gone")


@pytest.mark.parametrize("where", ["bare", "repo/.git", "repo/.git/objects"])
async def test_no_working_tree(person: Person, tmp_path: Path, where: str) -> None:
    person.git("init", "-q", "--bare", str(tmp_path / "bare"))
    assert f"{tmp_path / where} has no working tree" in await refused(person, tmp_path / where)


async def test_another_object_format(person: Person, tmp_path: Path) -> None:
    person.git("init", "-q", "--object-format=sha256", str(tmp_path / "new"))
    assert "of the object format sha256; only sha1" in await refused(person, tmp_path / "new")


async def test_a_path_at_which_git_is_at_a_loss(person: Person, tmp_path: Path) -> None:
    for commits in (False, True):
        odd = Person(person.home, tmp_path / f"line\nbreak{commits}").init()
        if commits:
            odd.commit()
        assert "holds a line break" in await refused(odd, odd.top)


async def test_a_path_that_is_no_utf8(person: Person, tmp_path: Path) -> None:
    odd = Person(person.home, tmp_path / os.fsdecode(b'caf\xe9 "x"')).init()
    assert (await odd.find()).top == odd.top


async def test_a_broken_repository(person: Person) -> None:
    (person.top / ".git" / "config").write_text("[core\n")
    assert "bad config" in await refused(person, person.top)


async def test_somebody_elses_repository(person: Person) -> None:
    if os.getuid():
        pytest.skip("only root can give a repository away")
    os.chown(person.top, 12345, 12345)
    said = await refused(person, person.top)
    assert f"`git config --global --add safe.directory {person.top}`" in said
    (person.home / ".gitconfig").write_text(f"[safe]\n\tdirectory = {person.top}\n")
    assert (await person.find()).top == person.top


async def test_no_git(person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotReady, match="git is not installed"):
        await find(person.top, {**person.environment, "PATH": str(tmp_path)})


async def test_a_head_that_leads_nowhere_is_no_commit(person: Person) -> None:
    person.commit(TREE)
    shutil.rmtree(person.top / ".git" / "objects")
    (person.top / ".git" / "objects").mkdir()
    assert (await person.find()).tree == ""

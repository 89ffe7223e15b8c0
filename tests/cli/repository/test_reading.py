"""Whatever git was told to overlook, what lies on disk is found."""

from pathlib import Path

import pytest

from cli.repository.person import BASE, IGNORED, Person, age, stamp
from oneshot_cli.repository import state
from oneshot_cli.repository.snapshot import Snapshots
from orchestrator.trees import Tree


async def test_bits_that_hide_a_file_from_git_hide_it_from_nobody_here(person: Person) -> None:
    person.commit(BASE)
    person.git("update-index", "--assume-unchanged", "src/a.py")
    person.git("update-index", "--skip-worktree", "src/b.py", "old")
    person.write({b"src/a.py": ("file", b"changed\n"), b"src/b.py": ("file", b"changed\n")})
    (person.top / "old").unlink()
    base = await person.begin()
    assert await person.tree(base) == person.disk()
    assert base.left_out == ("1 files that a sparse checkout does not write were left out",)


@pytest.mark.parametrize("options", [[], ["--sparse-index"]])
async def test_a_sparse_checkout_is_what_lies_there(person: Person, options: list[str]) -> None:
    person.commit(BASE | {b"far/x": ("file", b"1"), b"far/y/z": ("file", b"2")})
    person.git("sparse-checkout", "set", "--cone", *options, "src")
    assert not (person.top / "far").exists()
    before = stamp(person.top)
    base = await person.begin()
    assert await person.tree(base) == person.disk()
    assert base.left_out == ("2 files that a sparse checkout does not write were left out",)
    person.write({b"far/x": ("file", b"back")})
    assert await person.tree(await person.end()) == person.disk()
    (person.top / "far" / "x").unlink()
    (person.top / "far").rmdir()
    assert {path: each[-1] for path, each in stamp(person.top).items()} == {p: each[-1] for p, each in before.items()}


async def test_a_file_that_only_its_time_can_betray(person: Person) -> None:
    """Same size, written within the tick in which the index was."""
    for _ in range(5):
        person.commit({b"a": ("file", b"1\n")})
        person.write({b"a": ("file", b"2\n")})
        assert (await person.tree(await person.begin()))[b"a"] == ("file", b"2\n")
        person.write({b"a": ("file", b"3\n")})
        assert (await person.tree(await person.end()))[b"a"] == ("file", b"3\n")


async def test_what_is_ignored_by_whatever_list_stays_out(person: Person) -> None:
    (person.home / ".config" / "git").mkdir(parents=True)
    (person.home / ".config" / "git" / "ignore").write_text("*.global\n")
    person.commit({b".gitignore": ("file", b"*.tree\n"), b"kept.tree": ("file", b"tracked")})
    (person.top / ".git" / "info" / "exclude").write_text("*.mine\n")
    ends = (b"tree", b"global", b"mine", b"py")
    person.write(
        {b"x." + end: ("file", b"") for end in ends} | {b"d/.gitignore": ("file", b"*\n"), b"d/x": ("file", b"")}
    )
    assert sorted(await person.tree(await person.begin())) == [b".gitignore", b"kept.tree", b"x.py"]
    (person.home / ".gitconfig").write_text("[core]\n\texcludesFile = ~/list\n")
    (person.home / "list").write_text("*.py\n")
    assert sorted(await person.tree(await person.end())) == [b".gitignore", b"kept.tree", b"x.global"]


async def test_tracked_is_what_the_person_tracks_now(person: Person) -> None:
    person.commit({b".gitignore": ("file", IGNORED), b"a.log": ("file", b"1"), b"plain": ("file", b"")})
    person.write({b"b.log": ("file", b"2")})
    assert sorted(await person.tree(await person.begin())) == [b".gitignore", b"a.log", b"plain"]
    person.git("add", "--force", "b.log")
    person.git("rm", "-q", "--cached", "a.log", "plain")
    assert sorted(await person.tree(await person.end())) == [b".gitignore", b"b.log", b"plain"]


async def test_our_own_list_outweighs_theirs_and_holds_for_tracked_files(person: Person, tmp_path: Path) -> None:
    person.commit({b"keep": ("file", b""), b"big/x": ("file", b""), b".gitignore": ("file", b"!big/new\n")})
    person.write({b"big/new": ("file", b""), b"odd name": ("file", b"")})
    listed = state.exclude_file(tmp_path / "state", person.top)
    listed.parent.mkdir(parents=True)
    listed.write_text("# what is left out\n\n/big/\nodd name\n")
    assert sorted(await person.tree(await person.begin(tmp_path / "state"))) == [b".gitignore", b"keep"]
    person.write({b"big/x": ("file", b"changed")})
    assert sorted(await person.tree(await person.end(state=tmp_path / "state"))) == [b".gitignore", b"keep"]


async def test_an_unfinished_merge_is_what_lies_there(person: Person) -> None:
    person.commit({b"a": ("file", b"0\n"), b"gone": ("file", b"0\n")})
    person.git("checkout", "-q", "-b", "other")
    person.commit({b"a": ("file", b"1\n"), b"gone": ("file", b"1\n")})
    person.git("checkout", "-q", "main")
    (person.top / "gone").unlink()
    person.commit({b"a": ("file", b"2\n")})
    person.git("merge", "other", check=False)
    before = stamp(person.top)
    assert await person.tree(await person.begin()) == person.disk()
    assert stamp(person.top) == before
    (person.top / "gone").unlink()
    assert await person.tree(await person.end()) == person.disk()


async def test_an_intention_to_add(person: Person) -> None:
    person.commit(BASE)
    person.write({b"x": ("file", b"1"), b"y": ("file", b""), b"z": ("file", b"1")})
    person.git("add", "-N", "x", "y", "z")
    (person.top / "z").unlink()
    assert await person.tree(await person.begin()) == person.disk()


async def test_head_may_move_while_a_repository_is_known(person: Person) -> None:
    person.commit(BASE)
    found = await person.find()
    person.git("commit", "-q", "--amend", "--allow-empty", "-m", "again", "--date=2001-01-01T00:00:00")
    (person.top / "src" / "a.py").write_text("amended")
    person.git("commit", "-qa", "--amend", "-m", "again")
    person.git("reflog", "expire", "--expire=now", "--all")
    person.git("gc", "-q", "--prune=now")
    assert await person.tree(await Snapshots(person.place, found).begin()) == person.disk()


async def test_odd_entries_are_found_behind_untracked_files(person: Person) -> None:
    person.commit({b"b": ("file", b"1"), b"c": ("file", b"1"), b"H 160000 x": ("file", b"1")})
    person.git("update-index", "--assume-unchanged", "b", "c")
    person.write(dict.fromkeys((b"a", b"b", b"c", b"d"), ("file", b"2")))
    assert await person.tree(await person.begin()) == person.disk()


@pytest.mark.parametrize("autocrlf", ["true", "input"])
@pytest.mark.parametrize("attributes", [b"", b"* text=auto\n", b"* text eol=crlf\n", b"* crlf\n"])
async def test_line_ends_are_those_on_disk(person: Person, autocrlf: str, attributes: bytes) -> None:
    (person.home / ".gitconfig").write_text(f"[core]\n\tautocrlf = {autocrlf}\n\tsafecrlf = false\n")
    person.commit({b".gitattributes": ("file", attributes), b"unix": ("file", b"1\n"), b"dos": ("file", b"1\r\n")})
    age(person.top)
    person.git("status")
    assert await person.tree(await person.begin()) == person.disk()
    person.write({b"unix": ("file", b"1\r\n"), b"dos": ("file", b"1\n")})
    assert await person.tree(await person.end()) == person.disk()
    person.git("add", "-A")
    assert await person.tree(await person.end()) == person.disk()


async def test_many_paths(person: Person) -> None:
    """More than any pipe or command line holds at once."""
    tree: Tree = {b"%s/%d" % (b"x" * 150, number): ("file", b"%d" % number) for number in range(3000)}
    person.commit(tree)
    person.write(dict.fromkeys(list(tree)[:1500], ("file", b"new")) | {path + b"u": ("file", b"u") for path in tree})
    assert await person.tree(await person.begin()) == person.disk()

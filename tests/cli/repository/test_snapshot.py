"""A snapshot is the working tree, byte for byte; the person's repository is afterwards what it was, to the nanosecond."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from capture import harness
from cli.repository.person import BASE, Person, age, stamp
from oneshot_cli.repository import exclusions
from oneshot_cli.repository.snapshot import Snapshots
from oneshot_cli.repository.state import exclude_file
from oneshot_cli.repository.store import Store
from orchestrator import trees
from orchestrator.trees import Tree

EXAMPLES = 200 if os.environ.get("ONESHOT_SOAK") else 25


def dirty(person: Person) -> None:
    """Staged, unstaged, both, deleted, renamed, untracked, ignored."""
    person.write({b"src/a.py": ("file", b"staged\n"), b"both": ("file", b"1\n")})
    person.git("add", "src/a.py", "both")
    person.write({b"both": ("file", b"2\n"), b"src/b.py": ("file", b"unstaged\n"), b"new/deep/x": ("exec", b"x")})
    person.write({b"a.log": ("file", b"secret"), b"build/out": ("file", b"secret"), b"new/l": ("link", b"nowhere")})
    person.git("mv", "run.sh", "moved.sh")
    (person.top / "old").unlink()
    (person.top / "dos.txt").chmod(0o755)


def seen(tree: Tree) -> Tree:
    """Without what BASE ignores."""
    return {
        path: entry for path, entry in tree.items() if not path.endswith(b".log") and not path.startswith(b"build/")
    }


def plain(person: Person) -> None:
    person.commit(BASE)


def packed(person: Person) -> None:
    person.commit(BASE)
    person.git("gc", "-q")


def linked(person: Person) -> None:
    person.commit(BASE)
    other = person.top.parent / "linked"
    person.git("worktree", "add", "-q", str(other), "-b", "other")
    person.top = other


def split(person: Person) -> None:
    person.git("config", "core.splitIndex", "true")
    person.commit(BASE)
    assert [*(person.top / ".git").glob("sharedindex.*")]


def cached(person: Person) -> None:
    person.commit(BASE)
    person.git("update-index", "--untracked-cache")
    person.git("status")


def converted(person: Person) -> None:
    ran = person.home / "ran"
    for verb in ("clean", "smudge"):
        person.git("config", f"filter.lfs.{verb}", f"touch {ran}; tr a-z A-Z")
    person.git("config", "filter.lfs.required", "true")
    person.git("config", "core.autocrlf", "input")
    person.write(
        {
            b".gitattributes": (
                "file",
                b"*.bin filter=lfs diff=lfs merge=lfs -text\n*.id ident\n*.txt text eol=crlf\n*.u16 working-tree-encoding=UTF-16LE\n",
            ),
            b"a.bin": ("file", b"content\n"),
            b"b.id": ("file", b"$Id$\n"),
            b"c.txt": ("file", b"1\n2\n"),
            b"d.u16": ("file", "text\n".encode("utf-16-le")),
            b"crlf": ("file", b"1\r\n"),
        }
    )
    person.commit(BASE)
    person.git("rm", "-q", "--cached", "b.id")
    (person.top / "b.id").unlink()
    person.git("reset", "-q", "--hard")
    assert (person.top / "b.id").read_bytes() != b"$Id$\n"
    assert person.git("cat-file", "-p", ":a.bin") == "CONTENT\n"
    ran.unlink()


def watched(person: Person) -> None:
    """Programs that would leave a mark, if they ran."""
    person.commit(BASE)
    mark = person.home / "ran"
    for hook in ("post-index-change", "pre-commit", "post-checkout", "reference-transaction", "fsmonitor-watchman"):
        file = person.top / ".git" / "hooks" / hook
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\ntouch {mark}\n")
        file.chmod(0o755)
    person.git("config", "core.fsmonitor", ".git/hooks/fsmonitor-watchman")
    person.git("update-index", "--fsmonitor")
    mark.unlink(missing_ok=True)


@pytest.mark.parametrize("aged", [True, False])
@pytest.mark.parametrize("kind", [plain, packed, linked, split, cached, converted, watched])
async def test_the_repository_is_as_before(person: Person, kind: Callable[[Person], None], aged: bool) -> None:
    main = person.top
    kind(person)
    dirty(person)
    if aged:
        age(main)
    before = stamp(main, person.top, person.home)
    base = await person.begin()
    assert await person.tree(base) == seen(person.disk())
    assert base.left_out == ()
    assert stamp(main, person.top, person.home) == before

    (person.top / "src" / "b.py").unlink()
    person.write({b"src/b.py/now": ("file", b"a folder\n"), b"c.txt": ("file", b"unix\n"), b"b.log": ("file", b"no")})
    before = stamp(main, person.top, person.home)
    end = await person.end()
    store = Store(person.place)
    await store.keep()
    await store.pack(base.tree, end.tree, person.place / "pack")
    assert await person.tree(end) == seen(person.disk())
    assert stamp(main, person.top, person.home) == before


async def test_touched_files_are_looked_at_and_not_marked(person: Person) -> None:
    person.commit(BASE)
    person.git("gc", "-q")
    age(person.top)
    before = stamp(person.top)
    base = await person.begin()
    assert base.tree == person.git("rev-parse", "HEAD^{tree}").strip()
    assert stamp(person.top) == before


async def test_without_a_commit_and_without_an_index(person: Person) -> None:
    assert await person.tree(await person.begin()) == {}
    person.write(BASE)
    assert await person.tree(await person.end()) == BASE
    person.git("add", "src")
    assert await person.tree(await person.begin()) == BASE


async def test_our_own_folders_in_the_tree_are_no_part_of_it(tmp_path: Path) -> None:
    person = Person(tmp_path / "home", tmp_path).init()
    person.write({b"a [x]*/file": ("file", b"1")})
    home = tmp_path / "a [x]*" / "state\\"
    snapshots = Snapshots(home / "works" / "1", await person.find(), home)
    (home / "works" / "1").mkdir(parents=True)
    base = await snapshots.begin()
    names = (await Store(home / "works" / "1").git("ls-tree", "-r", "--name-only", "-z", base.tree)).split(b"\0")
    assert names == [b"a [x]*/file", b""]


async def test_a_list_of_exclusions_leaves_out_what_it_names_and_no_more(tmp_path: Path) -> None:
    person = Person(tmp_path / "home", tmp_path / "top").init()
    odd = "x\u2028kept"  # to Python, two lines
    person.write({os.fsencode(odd): ("file", b"1"), b"kept": ("file", b"2")})
    repository, state = await person.find(), tmp_path / "state"
    listed = exclude_file(state, repository.top)
    listed.parent.mkdir(parents=True)
    listed.write_bytes(exclusions.pattern(os.fsencode(odd)) + b"\n")
    (tmp_path / "place").mkdir()
    base = await Snapshots(tmp_path / "place", repository, state).begin()
    assert await Store(tmp_path / "place").git("ls-tree", "--name-only", "-z", base.tree) == b"kept\0"


async def test_a_stat_that_git_was_told_to_believe_is_not_believed(tmp_path: Path) -> None:
    person = Person(tmp_path / "home", tmp_path / "top").init()
    person.write({b"file": ("file", b"one")})
    person.git("add", "-A")
    person.git("config", "core.trustctime", "false")
    person.git("config", "core.checkStat", "minimal")
    file = person.top / "file"
    long_ago = 1_000_000_000
    os.utime(file, (long_ago, long_ago))
    person.git("update-index", "--refresh")
    second = int(file.stat().st_ctime)
    while int(file.stat().st_ctime) == second:  # git looks at whole seconds
        file.write_bytes(b"two")
        os.utime(file, (long_ago, long_ago))
    (tmp_path / "place").mkdir()
    base = await Snapshots(tmp_path / "place", await person.find()).begin()
    assert await Store(tmp_path / "place").git("cat-file", "blob", f"{base.tree}:file") == b"two"


async def test_many_sentences_are_cut(person: Person) -> None:
    for number in range(25):
        Person(person.home, person.top / f"nested{number}").init()
    assert (await person.begin()).left_out[-1] == "5 more were left out"


async def test_a_beginning_that_was_killed_is_in_nobodys_way(person: Person) -> None:
    person.commit(BASE)
    person.write({b"%d" % number: ("file", os.urandom(100_000)) for number in range(50)})
    code = (
        "import asyncio, sys; from pathlib import Path\n"
        "from oneshot_cli.repository.snapshot import Snapshots; from oneshot_cli.repository.where import find\n"
        "async def main():\n"
        "    found = await find(Path(sys.argv[1])); print(flush=True)\n"
        "    await Snapshots(Path(sys.argv[2]), found).begin()\n"
        "asyncio.run(main())"
    )
    for wait in (0.0, 0.02, 0.05, 0.1):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", code, person.top, person.place), env=person.environment, stdout=subprocess.PIPE
        )
        assert process.stdout
        await process.stdout.readline()
        await asyncio.sleep(wait)
        process.kill()
        await process.wait()
    before = stamp(person.top)
    assert await person.tree(await person.begin()) == person.disk()
    assert sorted(path.name for path in person.place.iterdir()) == ["git"]
    assert stamp(person.top) == before


@st.composite
def work(draw: st.DrawFn) -> tuple[Tree, Tree, Tree, Tree]:
    """What is committed, what is staged then, what lies there when the task starts, and when it ends."""
    committed, end = draw(trees.pairs())
    return committed, draw(trees.TREES), draw(trees.TREES), end


def replaced(person: Person, tree: Tree) -> None:
    for path in [*person.top.iterdir()]:
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    person.write(tree)


async def there_and_back(given: tuple[Tree, Tree, Tree, Tree], folder: Path) -> None:
    committed, staged, base, end = given
    person = Person(folder / "home", folder / "repo").init()
    person.commit(committed)
    replaced(person, staged)
    person.git("add", "-A", "--force")
    replaced(person, base)
    before = stamp(person.top)
    first = await person.begin()
    assert first.left_out == ()
    assert await person.tree(first) == base
    assert stamp(person.top) == before
    replaced(person, end)
    second = await person.end()
    assert await person.tree(second) == end
    pack = person.place / "pack"
    await Store(person.place).pack(first.tree, second.tree, pack)
    async with harness.house(folder / "house") as house:
        await house.start(base_tree=first.tree)
        task = await house.end(base_tree=first.tree, end_tree=second.tree, pack=pack.read_bytes())
        made = house.created / task.folder
        assert trees.read(made / "environment" / "repo") == harness.fits(base)
        assert harness.apply_all(made, folder / "again") == harness.fits(end)


@settings(max_examples=EXAMPLES)
@given(work())
def test_base_and_reference_patch_give_the_end_byte_for_byte(given: tuple[Tree, Tree, Tree, Tree]) -> None:
    *_, base, end = given
    assume(harness.fits(base) != harness.fits(end))
    with tempfile.TemporaryDirectory(prefix="snapshot-") as folder:
        assume(not trees.loops(trees.write(harness.fits(base), Path(folder) / "base")))
        asyncio.run(there_and_back(given, Path(folder)))

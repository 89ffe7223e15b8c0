"""What snapshots need of the person's objects is copied before it can go; what cannot be had is said."""

from pathlib import Path

import pytest

from cli.repository.person import BASE, Person, stamp
from oneshot_cli.repository.store import Store
from oneshot_shared.errors import BadInput


async def test_a_gc_between_start_and_end_takes_nothing(person: Person) -> None:
    person.commit(BASE)
    person.write({b"src/a.py": ("file", b"staged\n")})
    person.git("add", "-A")
    base = await person.begin()
    content = await person.tree(base)
    await Store(person.place).keep()
    person.git("reset", "-q", "--hard")
    person.git("checkout", "-q", "--orphan", "fresh")
    person.git("rm", "-rqf", ".")
    person.commit({b"fresh": ("file", b"1")})
    person.git("branch", "-D", "main")
    person.git("reflog", "expire", "--expire=now", "--all")
    person.git("gc", "-q", "--prune=now")
    end = await person.end()
    assert await person.tree(base) == content
    await Store(person.place).pack(base.tree, end.tree, person.place / "pack")
    assert await person.tree(end) == {b"fresh": ("file", b"1")}


async def test_the_repository_may_go_once_everything_is_kept(person: Person) -> None:
    person.commit(BASE)
    base, end = await person.begin(), await person.end({"x": b"1"})
    store = Store(person.place)
    await store.keep()
    person.top.rename(person.top.with_name("gone"))
    await store.pack(base.tree, end.tree, person.place / "pack")
    assert (await person.tree(end))[b"x"] == ("file", b"1")


async def test_a_partial_clone_fetches_nothing_and_says_what_it_lacks(person: Person, tmp_path: Path) -> None:
    person.commit(BASE)
    person.git("config", "uploadpack.allowFilter", "true")
    clone = Person(person.home, tmp_path / "clone")
    clone.git("clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{person.top}", ".")
    clone.git("read-tree", "HEAD")
    clone.git("update-index", "--skip-worktree", "src/b.py")
    before = stamp(clone.top)
    base = await clone.begin()
    assert await clone.tree(base) == {}
    assert stamp(clone.top) == before
    clone.git("read-tree", "HEAD")
    clone.write(BASE)
    base = await clone.begin()
    with pytest.raises(BadInput, match=r"lacks an object that a snapshot needs .*git fetch --refetch"):
        await Store(clone.place).keep()

"""The tree as it comes out, whatever the agent made of it."""

import asyncio
import os

import pytest

from oneshot_orchestrator.contract import Exit, Spoilt
from orchestrator import trees
from orchestrator.backends.contract.bench import SOAK, Bench, Box, fresh, own, shared

MANY = 100_000 if SOAK else 20_000
DEEP = """
import os
for _ in range(100):
    os.mkdir("deep" * 12)
    os.chdir("deep" * 12)
open("bottom", "w").close()
"""


@fresh
async def the_tree_is_the_base_and_a_repository(box: Box) -> None:
    assert await box.tree() == trees.read(box.bench.environment.folder / "base")
    assert await box.says("git log --format=%s; git status --porcelain") == "base\n"


@shared
async def a_tree_comes_out_while_its_sandbox_runs_and_goes_on(box: Box) -> None:
    assert b"README.md" in await box.tree()
    assert (await box.sh("exit 5")).exit == Exit(5)


@fresh
async def a_stopped_sandboxs_tree_comes_out_as_often_as_one_likes(box: Box) -> None:
    await box.says("echo mine > mine")
    await box.sandbox.stop()
    first = await box.tree()
    assert first[b"mine"] == ("file", b"mine\n")
    assert await box.tree() == first


@fresh
async def what_is_missing_is_missing(box: Box) -> None:
    await box.says("rm README.md; rm -r src; mkdir -p new/empty; echo 1 > new/file; echo 1 > .dotfile")
    found = await box.tree()
    assert {name for name in found if name.startswith((b"README", b"src", b"new", b".d"))} == {b"new/file", b".dotfile"}


@fresh
async def links_come_out_as_links_and_those_that_lead_away_are_left_out(box: Box) -> None:
    await box.says("""
        mkdir sub; ln -s ../README.md sub/up; ln -s sub folder; ln -s nowhere dangling; ln -s two one; ln -s one two; ln -s . self
        ln -s /etc/passwd absolute; ln -s ../../etc/passwd escaping; ln -s sub/../../etc/passwd winding; ln -s / root""")
    found = await box.tree()
    assert {name.decode(): target.decode() for name, (kind, target) in found.items() if kind == "link"} == {
        "sub/up": "../README.md", "folder": "sub", "dangling": "nowhere", "one": "two", "two": "one", "self": ".",
    }  # fmt: skip
    assert not any(b"root:" in content for _, content in found.values())


@fresh
async def a_file_with_two_names_comes_out_twice(box: Box) -> None:
    await box.says(
        "ln README.md two; mkdir sub; ln README.md sub/three; ln -s two link; ln link four 2>/dev/null || true"
    )
    found = await box.tree()
    assert found[b"two"] == found[b"sub/three"] == found[b"README.md"]


@fresh
async def pipes_sockets_and_devices_are_left_out(box: Box) -> None:
    await box.says("mkfifo pipe; mknod zero c 1 5 2> /dev/null || true; mkdir sub; mkfifo sub/pipe; echo 1 > sub/file")
    await box.python("import socket; socket.socket(socket.AF_UNIX).bind('socket')")
    found = await box.tree()
    assert not {b"pipe", b"zero", b"socket", b"sub/pipe"} & set(found)
    assert found[b"sub/file"] == ("file", b"1\n")


@fresh
async def what_cannot_be_read_comes_out(box: Box) -> None:
    await box.says("chmod 0 src/greet/* src/greet src README.md .")
    await box.sandbox.stop()
    found = await box.tree()
    base = trees.read(box.bench.environment.folder / "base")
    assert {name: content for name, (_, content) in found.items()} == {
        name: content for name, (_, content) in base.items()
    }


@fresh
async def repositories_stay_inside(box: Box) -> None:
    await box.says(
        "mkdir -p sub/.git other/.GIT; touch sub/.git/config sub/file other/.GIT/x; git init -q nested; touch nested/f"
    )
    found = await box.tree()
    assert not [name for name in found if b".git" in name.lower().split(b"/")]
    assert {b"sub/file", b"nested/f"} <= set(found)


@fresh
async def a_tree_that_was_emptied_is_empty(box: Box) -> None:
    await box.says('cd "$1"; find . -mindepth 1 -delete', box.sandbox.tree)
    assert await box.tree() == {}
    await box.sandbox.stop()
    assert await box.tree() == {}


@own
async def a_tree_that_was_removed_or_replaced_is_empty(bench: Bench) -> None:
    async def leave(then: str) -> trees.Tree:
        async with bench.box() as box:  # where the place above is not the agent's, it can only empty the tree
            await box.sh(f'cd /; rm -rf "$1"; {then}', box.sandbox.tree)
            await box.sandbox.stop()
            return await box.tree()

    ends = ("", 'ln -s /etc "$1"', 'echo x > "$1"', 'ln -s "$1" "$1"', 'mkfifo "$1"')
    assert await asyncio.gather(*map(leave, ends)) == [{}] * len(ends)


@own
async def a_tree_that_is_too_large_is_spoilt_at_once(bench: Bench) -> None:
    async with bench.box(resources={"storage_mb": 4 << 20}) as box:
        await box.says("truncate -s 1T sparse")
        with pytest.raises(Spoilt, match="the tree that the agent left has more than 4294967296 bytes"):
            await box.sandbox.get_tree()
        await box.says("rm sparse; echo 1 > again")
        assert (await box.tree())[b"again"] == ("file", b"1\n")


@fresh
async def very_many_files_come_out(box: Box) -> None:
    script = f"import os\nos.mkdir('many')\nfor n in range({MANY}): os.close(os.open(f'many/{{n}}', os.O_CREAT))"
    await box.python(script)
    assert len([name for name in await box.names() if name.startswith("many/")]) == MANY


@fresh
async def a_path_that_is_too_long_spoils_nothing_else(box: Box) -> None:
    await box.python(DEEP)
    await box.says("echo 1 > zz")
    found = await box.tree()
    assert found[b"zz"] == ("file", b"1\n")
    assert max(len(os.fsdecode(name)) for name in found) < 4096

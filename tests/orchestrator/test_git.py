"""Trees as git objects: what comes out is what the agent left, byte for byte, and nothing of its is obeyed or run."""

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, given, settings

from oneshot_orchestrator import git
from oneshot_orchestrator.git import Trees
from oneshot_shared.errors import BadInput
from orchestrator import harness, trees
from orchestrator.trees import Tree

SLEEP = harness.sleep_length()
EXAMPLES = 200 if os.environ.get("ONESHOT_SOAK") else 40
ATTRIBUTES = (
    b"* text eol=crlf ident filter=evil diff=evil working-tree-encoding=UTF-16 export-ignore merge=evil -diff\n"
)


async def recorded(base: Tree, folder: Path) -> Trees:
    """The trees of an environment with this base."""
    trees.write(base, folder / "environment" / "base")
    await git.record_base(folder / "environment")
    return Trees(folder / "environment", folder / "run")


async def patch_of(made: Trees, tree: str, folder: Path) -> bytes:
    """A tree's difference to the base, as it is written."""
    await made.write_patch(tree, folder / "written.patch")
    return (folder / "written.patch").read_bytes()


async def both_ways(base: Tree, end: Tree, folder: Path) -> None:
    made = await recorded(base, folder)
    tree = (await made.of_folder(trees.write(end, folder / "end"))).tree
    trees.apply(await patch_of(made, tree, folder), trees.write(base, folder / "patched"))
    assert trees.read(folder / "patched") == end
    changes = await made.changes(tree)
    trees.lay(trees.write(base, folder / "laid"), changes.folder, changes.deleted)
    assert trees.read(folder / "laid") == end
    assert sorted(map(os.fsencode, changes.names())) == sorted(k for k in end if base.get(k) != end[k])
    assert sorted(map(os.fsencode, changes.deleted)) == sorted(base.keys() - end.keys())


@settings(max_examples=EXAMPLES)
@given(trees.pairs())
def test_patch_and_changes_give_the_end_byte_for_byte(pair: tuple[Tree, Tree]) -> None:
    with tempfile.TemporaryDirectory(prefix="git-") as folder:
        assume(not trees.loops(trees.write(pair[0], Path(folder) / "base")))
        asyncio.run(both_ways(*pair, Path(folder)))


@pytest.mark.parametrize(
    ("base", "end"),
    [
        ({b"a": ("file", b"1\n")}, {b"a/b": ("file", b"1\n")}),
        ({b"a/b": ("file", b"1\n")}, {b"a": ("link", b"b")}),
        ({b"a": ("link", b"dir"), b"dir/x": ("file", b"")}, {b"a/x": ("exec", b""), b"dir": ("file", b"\0")}),
        ({b"a": ("file", b"x\r\ny\r\n")}, {b"a": ("file", b"x\ny\r\n")}),
        ({b"a": ("file", b"")}, {}),
        ({}, {b"a/b/c": ("link", b"/etc/shadow")}),
        (
            {b".gitignore": ("file", b"a/\n"), b"a": ("link", b"b")},
            {b".gitignore": ("file", b"a/\n"), b"c": ("file", b"")},
        ),
    ],
)
async def test_swaps_of_kinds(base: Tree, end: Tree, tmp_path: Path) -> None:
    await both_ways(base, end, tmp_path)


async def test_the_trees_own_attributes_decide_nothing(tmp_path: Path) -> None:
    content = b"$Id$\r\nplain\n\xfe\xff"
    base: Tree = {b"kept": ("file", content), b"changed": ("file", content), b".gitattributes": ("file", ATTRIBUTES)}
    end = base | {
        b"changed": ("file", content + b"more\r\n"),
        b"new": ("file", content),
        b"sub/.gitattributes": base[b".gitattributes"],
    }
    made = await recorded(base, tmp_path)
    tree = (await made.of_folder(trees.write(end, tmp_path / "end"))).tree
    changes = await made.changes(tree)
    assert trees.read(changes.folder) == {k: v for k, v in end.items() if base.get(k) != v}
    patch = await patch_of(made, tree, tmp_path)
    assert b"kept" not in patch
    again = tmp_path / "solution.patch"
    again.write_bytes(patch)
    assert await made.of_patch(again) == tree


async def test_new_files_that_the_base_ignores_are_left_out(tmp_path: Path) -> None:
    rules = ("file", b"*.log\nbuild/\n/only\nname/\n")
    base: Tree = {
        b".gitignore": rules,
        b"kept.log": ("file", b"1"),
        b"sub/.gitignore": ("file", b"!y.log\nx\n"),
        b"name/x": ("file", b""),
    }
    end: Tree = {**base, b"kept.log": ("file", b"2"), b"new.log": ("file", b""), b"build/x": ("file", b"")}
    end |= {b"sub/x": ("file", b""), b"sub/y.log": ("file", b"y"), b"x": ("file", b""), b"sub/only": ("file", b"")}
    end |= {b"deep/build/\xff": ("file", b""), b"only": ("link", b"x")}
    del end[b"name/x"]
    end[b"name"] = ("file", b"a file, which the rule for folders does not name")
    made = await recorded(base, tmp_path)
    changes = await made.changes((await made.of_folder(trees.write(end, tmp_path / "end"))).tree)
    assert sorted(trees.read(changes.folder)) == [b"kept.log", b"name", b"sub/only", b"sub/y.log", b"x"]
    assert changes.deleted == ["name/x"]


async def test_what_was_left_out_is_told_and_what_the_reference_touches_is_not(tmp_path: Path) -> None:
    base: Tree = {b".gitignore": ("file", b"lib/\n*.pyc\n"), b"a": ("file", b"1\n")}
    end = base | {b"lib/new.py": ("file", b"2\n"), b"lib/other.py": ("file", b"3\n"), b"x.pyc": ("file", b"")}
    made = await recorded(base, tmp_path)
    folder = trees.write(end, tmp_path / "end")
    assert (await made.of_folder(folder)).left_out == ["lib/new.py", "lib/other.py", "x.pyc"]
    reference = tmp_path / "solution.patch"
    reference.write_text("--- /dev/null\n+++ b/lib/new.py\n@@ -0,0 +1 @@\n+reference\n")
    taken = await made.of_folder(folder, reference)
    assert taken.left_out == ["lib/other.py", "x.pyc"]
    assert trees.read((await made.changes(taken.tree)).folder) == {b"lib/new.py": ("file", b"2\n")}
    reference.write_text("no patch")
    assert len((await made.of_folder(folder, reference)).left_out) == 3


async def test_the_size_of_a_solution_is_that_of_what_it_changed(tmp_path: Path) -> None:
    base: Tree = {b"same": ("file", b"x" * 1000), b"gone": ("file", b"y" * 100), b"new\nline": ("file", b"1")}
    end: Tree = {
        b"same": base[b"same"],
        b"new\nline": ("file", b"z" * 30),
        b"b": ("exec", b"12345"),
        b"l": ("link", b"same"),
    }
    made = await recorded(base, tmp_path)
    taken = await made.of_folder(trees.write(end, tmp_path / "end"))
    assert await made.size(taken.tree) == 30 + 5 + 4
    assert await made.size(await made.base()) == 0


async def test_ignore_rules_that_the_agent_wrote_hide_nothing(tmp_path: Path) -> None:
    made = await recorded({b"a": ("file", b"1")}, tmp_path)
    end: Tree = {
        b"a": ("file", b"2"),
        b".gitignore": ("file", b"*\n"),
        b"new": ("file", b""),
        b"s/.gitignore": ("link", b"/dev/null"),
    }
    changes = await made.changes((await made.of_folder(trees.write(end, tmp_path / "end"))).tree)
    assert trees.read(changes.folder) == end


async def test_a_link_named_gitmodules_is_left_out_and_harms_nothing(tmp_path: Path) -> None:
    made = await recorded({b"a": ("file", b"1")}, tmp_path)
    end: Tree = {
        b".GitModules": ("link", b"a"),
        b"d/.gitmodules": ("link", b"a"),
        b"e/.gitmodules/x/y": ("link", b"a"),
        b"b": ("file", b"1"),
    }
    changes = await made.changes((await made.of_folder(trees.write(end, tmp_path / "end"))).tree)
    assert trees.read(changes.folder) == {b"b": ("file", b"1")}


async def test_a_tree_with_nothing_in_it(tmp_path: Path) -> None:
    made = await recorded({b"a": ("file", b"1")}, tmp_path)
    (tmp_path / "end").mkdir()
    tree = (await made.of_folder(tmp_path / "end")).tree
    assert (await made.changes(tree)).deleted == ["a"]
    nothing = await recorded({}, tmp_path / "second")
    shutil.rmtree(tmp_path / "end")
    tree = (await nothing.of_folder(trees.write({b"a": ("file", b"1")}, tmp_path / "end"))).tree
    assert (await nothing.changes(tree)).names() == ["a"]


async def test_the_machines_own_git_configuration_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    config = tmp_path / "home" / ".gitconfig"
    config.parent.mkdir()
    config.write_text(
        f'[core]\n\tautocrlf = true\n\tfsmonitor = "touch {ran}"\n\tattributesFile = {tmp_path}/attributes\n\texcludesFile = {tmp_path}/excludes\n'
        f'[filter "evil"]\n\tclean = touch {ran}\n\tsmudge = touch {ran}\n\trequired = true\n[diff]\n\tnoprefix = true\n\texternal = touch {ran}\n'
    )
    (tmp_path / "attributes").write_bytes(ATTRIBUTES)
    (tmp_path / "excludes").write_text("*\n")
    monkeypatch.setenv("HOME", str(config.parent))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", f"touch {ran}")
    await both_ways({b"a": ("file", b"1\r\n")}, {b"a": ("file", b"2\r\n"), b"b": ("file", b"3\r\n")}, tmp_path / "t")
    assert not ran.exists()


async def test_reference_patch_and_base(tmp_path: Path) -> None:
    made = await recorded({b"a": ("file", b"1\n")}, tmp_path)
    assert (await made.changes(await made.base())).names() == []
    patch = tmp_path / "solution.patch"
    patch.write_text("--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+2\n")
    assert trees.read((await made.changes(await made.of_patch(patch))).folder) == {b"a": ("file", b"2\n")}
    patch.write_text("--- a/a\n+++ b/a\n@@ -1 +1 @@\n-other\n+2\n")
    with pytest.raises(BadInput, match=r"solution\.patch does not apply to the base \(error: patch failed: a:1"):
        await made.of_patch(patch)


async def test_cancelled_it_does_not_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await recorded({b"a": ("file", b"1\n")}, tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text(f"#!/bin/sh\nexec sleep {SLEEP}\n")
    (tmp_path / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    working = asyncio.create_task(made.of_folder(tmp_path))
    while not harness.marked(SLEEP):  # noqa: ASYNC110 -- another process
        await asyncio.sleep(0.01)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert harness.marked(SLEEP) == []

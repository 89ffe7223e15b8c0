"""Whatever a solution's tar holds: nothing outside the tree changes, and what is the grader's stays as it was."""

import io
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.workshop import BASE, Link, lay, tar_of
from oneshot_grader.grade_tree import Tree

PARTS = st.sampled_from(
    ["..", ".", "", "a", "src", "tests", "conftest.py", ".git", "out", "calc", "CONFTEST.py", "venv", "x.pth"]
)
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join).filter(bool)
CONTENTS = st.one_of(st.just("new"), st.builds(Link, st.one_of(NAMES, st.just("/etc"), st.just("../outside"))))


def state(folder: Path) -> dict[str, bytes | str]:
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


@settings(max_examples=150)
@given(st.lists(st.tuples(NAMES, CONTENTS), max_size=8), st.lists(NAMES, max_size=4))
def test_nothing_leads_out(members: list, deleted: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        outside, root = Path(name) / "outside", lay(Path(name) / "tree", BASE | {".git/HEAD": "x", "venv/bin/x": "x"})
        lay(outside, {"kept.txt": "kept"})
        (root / "out").symlink_to(outside)
        tree = Tree(str(root), ["tests"])
        before = {path: content for path, content in state(root).items() if tree.kept(tuple(path.split("/")))}
        for path in deleted:
            tree.delete(path)
        for member, content in members:
            with tarfile.open(fileobj=io.BytesIO(tar_of({member: content})), mode="r:") as tar:
                for info in tar.getmembers():
                    tree.add(tar, info)
        tree.lay_tests(str(outside / "nothing"), [{"path": "tests/test_canary.py", "content": "x"}])
        assert state(outside) == {"kept.txt": b"kept"}
        assert sorted(path.name for path in Path(name).iterdir()) == ["outside", "tree"]
        after = state(root)
        kept = {path: content for path, content in before.items() if not path.startswith("tests/")}
        assert {path: after.get(path) for path in kept} == kept
        assert {path for path in after if path.startswith("tests")} == {"tests/test_canary.py"}
        assert {path for path in after if tree.kept(tuple(path.split("/")))} == {*kept, "tests/test_canary.py"}


@pytest.mark.parametrize("kind", ["sitecustomize.py", "SiteCustomize/__init__.py", "usercustomize.abi3.so"])
def test_what_python_imports_at_its_start_is_the_bases_whatever_kind_of_module_it_is(tmp_path: Path, kind: str) -> None:
    tree = Tree(str(tmp_path), ["tests"])
    assert tree.kept(("src", *kind.split("/")))
    before = tree.settings()
    lay(tmp_path, {f"src/{kind}": "made by a build", "src/customize.py": "x"})
    tree.restore(before)
    assert state(tmp_path) == {"src/customize.py": b"x"}

"""Trees as dictionaries: path to (kind, content). Kinds: file, exec, link. And random ones, for property tests."""

import errno
import os
import shutil
import subprocess
from pathlib import Path

from hypothesis import strategies as st

type Tree = dict[bytes, tuple[str, bytes]]

NAMES = [
    *[b"a", b"b", b"dir", b"a.txt", b"a b", b" b", b"b ", b'quo"te', b"back\\slash", b"tab\there", b"new\nline"],
    *[b"\xff\xfe", "ü".encode(), "u\u0308".encode(), b"-dash", b":colon", b"#hash", b"!bang", b"*", b"[x]"],
    *[
        b".gitmodules",
        b".gitkeep",
        b"a\\",
        b"caf\xe9.txt",
        b"x" * 200,
        b"{brace}",
        b"$HOME",
        b"~",
        b"tests",
        b"test_x.py",
    ],
]
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(b"/".join).filter(lambda path: b" /" not in path)
"""git itself cannot read its own patch of an empty or binary file in a folder whose name ends with a space."""
LINES = st.lists(
    st.sampled_from([b"one", b"two", b"three\r", b"", b"\t x ", b"\xff", b"$Id$", b"@@ -1 +1 @@", b"--- a"])
)
CONTENTS = st.one_of(
    LINES.map(b"\n".join),
    LINES.map(lambda lines: b"".join(line + b"\n" for line in lines)),
    LINES.map(lambda lines: b"".join(line + b"\r\n" for line in lines)),
    st.binary(max_size=40),
)
TARGETS = st.sampled_from([b"a", b"../a", b"nowhere", b"dir/b", b"/etc/passwd", b"\xff", b".git/config", b"with\nline"])
ENTRIES = st.one_of(
    st.tuples(st.just("file"), CONTENTS), st.tuples(st.just("exec"), CONTENTS), st.tuples(st.just("link"), TARGETS)
)


def possible(tree: Tree) -> Tree:
    """Without what cannot be in one tree: entries below a file, and links that git takes from nobody."""
    parents = {bytes(part) for name in tree for part in _parents(name)}
    return {
        name: entry
        for name, entry in tree.items()
        if name not in parents and not (b".gitmodules" in name and entry[0] == "link")
    }


def _parents(name: bytes) -> list[bytes]:
    parts = name.split(b"/")
    return [b"/".join(parts[:count]) for count in range(1, len(parts))]


TREES = st.dictionaries(PATHS, ENTRIES, max_size=7).map(possible)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Tree, Tree]:
    """A base, and what became of it: kept, deleted, changed, swapped with a folder, and new things."""
    base = draw(TREES)
    end: Tree = {}
    for name, entry in base.items():
        what = draw(st.sampled_from(["keep", "keep", "delete", "change", "append", "folder"]))
        if what == "keep":
            end[name] = entry
        elif what == "change":
            end[name] = draw(ENTRIES)
        elif what == "append" and entry[0] != "link":
            end[name] = (entry[0], entry[1] + draw(CONTENTS))
        elif what == "folder":
            end[name.rstrip() + b"/" + draw(st.sampled_from(NAMES))] = draw(ENTRIES)
    return base, possible(end | draw(TREES))


def write(tree: Tree, folder: Path) -> Path:
    """Write a tree into a folder that may not exist yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (kind, content) in tree.items():
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "link":
            path.symlink_to(os.fsdecode(content))
        else:
            path.write_bytes(content)
            path.chmod(0o755 if kind == "exec" else 0o644)
    return folder


def nest(folder: Path, name: str, levels: int) -> None:
    """Make a file in folders so deep that no path leads there."""
    folder.mkdir()
    above = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=above)
        below = os.open(name, os.O_RDONLY, dir_fd=above)
        os.close(above)
        above = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=above))
    os.close(above)


def read(folder: Path) -> Tree:
    """Read a folder; empty folders do not count."""
    found: Tree = {}
    for path in folder.rglob("*"):
        name = os.fsencode(path.relative_to(folder))
        if path.is_symlink():
            found[name] = ("link", os.fsencode(path.readlink()))
        elif path.is_file():
            found[name] = ("exec" if os.access(path, os.X_OK) else "file", path.read_bytes())
    return found


def lay(folder: Path, changes: Path, deleted: list[str]) -> None:
    """Carry out changes as a verification does: first away with what goes or is replaced, then lay."""
    new = read(changes)
    for path in (folder / name for name in [*deleted, *map(os.fsdecode, new)]):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif os.path.lexists(path):
            path.unlink()
    write(new, folder)


def apply(patch: bytes, folder: Path) -> None:
    """Plain `git apply`, as whoever gets the diff would use it."""
    if not patch:
        return
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
    env["GIT_CEILING_DIRECTORIES"] = str(folder.parent)
    ended = subprocess.run(["git", "apply"], input=patch, cwd=folder, env=env, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr.decode(errors="replace")


def loops(folder: Path) -> bool:
    """Whether a link leads to itself: `git apply` cannot put a folder in its place, whoever made the patch."""
    for path in folder.rglob("*"):
        try:
            path.stat()
        except OSError as error:
            if error.errno == errno.ELOOP:
                return True
    return False

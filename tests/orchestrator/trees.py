"""Trees as dictionaries: path to (kind, content). Kinds: file, exec, link."""

import os
import shutil
from pathlib import Path

type Tree = dict[bytes, tuple[str, bytes]]


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

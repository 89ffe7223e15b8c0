"""What is on disk goes into the tree as it is; what cannot is a sentence."""

import os
import tempfile
from collections.abc import Buffer, Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest

from cli.repository.person import BASE, Person, stamp
from oneshot_cli.repository.importing import WorkingTree
from oneshot_cli.repository.reading import Reading
from oneshot_shared.errors import BadInput


async def test_folders_files_and_links_in_each_others_place(person: Person) -> None:
    person.commit(
        {
            b"a/x": ("file", b"1"),
            b"b": ("file", b"2"),
            b"c/x": ("file", b"3"),
            b"d": ("link", b"b"),
            b"Up": ("file", b""),
        }
    )
    (person.top / "a" / "x").rename(person.top / "x")
    (person.top / "a").rmdir()
    (person.top / "b").unlink()
    (person.top / "c").rename(person.top / "moved")
    (person.top / "d").unlink()
    (person.top / "Up").rename(person.top / "up")
    person.write(
        {
            b"a": ("file", b"now a file"),
            b"b/y/z": ("file", b"now a folder"),
            b"c": ("link", b"moved"),
            b"d/e": ("exec", b""),
        }
    )
    assert await person.tree(await person.begin()) == person.disk()


async def test_submodules_stay_commits_and_nested_repositories_stay_out(person: Person, tmp_path: Path) -> None:
    other = Person(person.home, tmp_path / "other").init()
    other.commit({b"lib": ("file", b"")})
    person.commit(BASE)
    person.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.top), "sub")
    person.commit()
    commit = other.git("rev-parse", "HEAD").strip().encode()
    Person(person.home, person.top / "nested").init().commit({b"x": ("file", b"")})
    (person.top / "sub" / "lib").write_text("changed")
    before = stamp(person.top)
    base = await person.begin()
    tree = await person.tree(base)
    assert tree[b"sub"] == ("submodule", commit)
    assert not [path for path in tree if path.startswith((b"sub/", b"nested"))]
    assert base.left_out == ("'nested/' was left out: it is a git repository of its own",)
    assert stamp(person.top) == before
    (person.top / "sub" / ".git").unlink()
    end = await person.end()
    assert "'sub' was left out: it is a submodule to git and a plain folder on disk" in "\n".join(end.left_out)
    person.git("rm", "-q", "--cached", "sub")
    assert (await person.tree(await person.end()))[b"sub/lib"] == ("file", b"changed")
    (person.top / "sub" / "lib").unlink()
    (person.top / "sub").rmdir()
    assert b"sub" not in await person.tree(await person.end())


async def test_tests_given_by_value_are_laid_over_the_tree(person: Person) -> None:
    person.commit(BASE)
    await person.begin()
    before = stamp(person.top)
    files = {"tests/test_a.py": b"new\r\n", "src/a.py": b"other", "empty/now": b"", "sp ace\n": b"1"}
    end = await person.tree(await person.end(files))
    laid = {os.fsencode(name): ("file", content) for name, content in files.items()}
    assert end == {path: entry for path, entry in BASE.items() if path != b"empty"} | laid
    assert stamp(person.top) == before


@pytest.mark.parametrize(
    "name", ["/etc/x", "../x", "a/../x", "a//x", "", ".", "a/.git/hooks/x", ".GIT/x", "a\0b", "x" * 300]
)
async def test_given_files_stay_in_the_tree(person: Person, name: str) -> None:
    await person.begin()
    with pytest.raises(BadInput):
        await person.end({name: b""})


async def test_settings_of_the_file_system_are_honoured(person: Person) -> None:
    person.commit(BASE)
    person.git("config", "core.fileMode", "false")
    person.write({b"new": ("exec", b"")})
    for name in ("run.sh", "src/a.py"):
        (person.top / name).chmod(0o755 if name == "src/a.py" else 0o644)
    (person.top / "run.sh").write_text("changed")
    tree = await person.tree(await person.begin())
    assert {path: kind for path, (kind, _) in tree.items() if path in (b"run.sh", b"src/a.py", b"new")} == {
        b"run.sh": "exec",
        b"src/a.py": "file",
        b"new": "file",
    }


async def test_what_cannot_be_read_is_a_sentence() -> None:
    with tempfile.TemporaryDirectory(prefix="unread-") as folder:
        person = Person(Path(folder) / "home", Path(folder) / "repo").init()
        person.commit(BASE)
        person.write({b"closed/x": ("file", b""), b"secret": ("file", b""), b"src/a.py": ("file", b"changed")})
        for name in ("closed", "secret", "src/a.py"):
            (person.top / name).chmod(0)
        with nobody(Path(folder)):
            base = await person.begin()
        assert sorted(base.left_out) == [
            "'closed/' was left out: it cannot be read (Permission denied)",
            "'secret' was left out: it cannot be read (permission denied)",
            "'src/a.py' was left out: it cannot be read (permission denied)",
        ]
        assert await person.tree(base) == {path: entry for path, entry in BASE.items() if path != b"src/a.py"}
        (person.top / "closed").chmod(0o755)


@contextmanager
def nobody(folder: Path) -> Iterator[None]:
    """As the folder's owner, without the right of root to read everything."""
    if os.getuid():
        yield
        return
    give(folder, 65534)
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        give(folder, 0)


def give(folder: Path, user: int) -> None:
    for each in (folder, *folder.rglob("*")):
        os.chown(each, user, user, follow_symlinks=False)


async def test_what_is_no_file_or_enormous_is_a_sentence(person: Person) -> None:
    person.commit(BASE)
    (person.top / "empty").unlink()
    os.mkfifo(person.top / "empty")
    with (person.top / "huge").open("wb") as file:
        file.truncate(101 << 20)
    base = await person.begin()
    assert base.left_out == (
        "'empty' was left out: it is neither a file nor a link",
        "'huge' was left out: it has 101 MiB and is not tracked; `git add` it if it belongs to the task",
    )
    assert sorted(await person.tree(base)) == sorted(path for path in BASE if path != b"empty")


class Meddler(BytesIO):
    """A stream during whose first write of content the file becomes another."""

    def __init__(self, change: Callable[[], object]) -> None:
        super().__init__()
        self._change = change

    def write(self, piece: Buffer) -> int:
        if b"inline" in bytes(piece):
            self._change()
        return super().write(piece)


@pytest.mark.parametrize("size", [0, 5, 4 << 20])
def test_a_file_that_changes_while_it_is_read(tmp_path: Path, size: int) -> None:
    (tmp_path / "a").write_bytes(b"x" * (3 << 20))
    reading = Reading("", {}, {}, [b"a"], [], [])
    stream = Meddler(lambda: os.truncate(tmp_path / "a", size))
    if size < 3 << 20:
        with pytest.raises(BadInput, match="'a' changes while it is read"):
            WorkingTree(tmp_path, True).write(stream, "refs/x", reading, {})
    else:
        WorkingTree(tmp_path, True).write(stream, "refs/x", reading, {})
        assert stream.getvalue().count(b"x" * (3 << 20)) == 1


def test_a_file_that_is_gone_when_it_is_read(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"x")
    reading = Reading("", {}, {}, [b"a", b"b"], [], [])
    stream = Meddler(lambda: (tmp_path / "b").unlink(missing_ok=True))
    with pytest.raises(BadInput, match="'b' changes while it is read; wait until it is written"):
        WorkingTree(tmp_path, True).write(stream, "refs/x", reading, {})


@pytest.mark.parametrize("path", [b"a", b"a b", b'"a"', b"a\\b", b'a\\"\n', b"#a", b" a", b"\xff\n", b"\n", b"a\r"])
async def test_git_reads_every_quoted_path_as_it_is(person: Person, path: bytes) -> None:
    await person.begin()
    assert await person.tree(await person.end({os.fsdecode(path): b"1"})) == {path: ("file", b"1")}

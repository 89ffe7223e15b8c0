"""Folders as content: the round trip, and archives that mean harm."""

import contextlib
import gzip
import io
import os
import stat
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oneshot_shared import archive
from oneshot_shared.archive import Caps
from oneshot_shared.errors import BadInput

LINK, FILE, FOLDER, HARD = tarfile.SYMTYPE, tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.LNKTYPE
_SKIPPED = {b"__pycache__", b".DS_Store", b".", b".."}


def make(folder: Path, tree: dict) -> None:
    """Lay a tree: bytes are a file, a pair a file and its mode, text a link, a dict a folder."""
    folder.mkdir(exist_ok=True)
    for name, content in tree.items():
        path = folder / os.fsdecode(name)
        if isinstance(content, dict):
            make(path, content)
        elif isinstance(content, str):
            path.symlink_to(content)
        else:
            data, mode = content if isinstance(content, tuple) else (content, 0o644)
            path.write_bytes(data)
            path.chmod(mode)


def tar(*members: tuple) -> io.BytesIO:
    """A tar of (name, type, link or content) with any name at all."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as made:
        for name, kind, what in members:
            member = tarfile.TarInfo(name)
            member.type, member.mode = kind, 0o7777
            if kind == FILE:
                member.size = len(what)
                made.addfile(member, io.BytesIO(what))
            else:
                member.linkname = what
                made.addfile(member)
    file.seek(0)
    return file


def unpacked(folder: Path, file: io.BytesIO, **how: object) -> list[str]:
    """Unpack into folder/in with a canary beside it; returns what was refused, and demands that nothing got out."""
    (folder / "in").mkdir()
    (folder / "canary").write_text("untouched")
    before = sorted(Path("/").iterdir())
    notes: list[str] = []
    archive.unpack(file, folder / "in", refused=lambda name, why: notes.append(f"{name}: {why}"), **how)
    assert sorted(folder.iterdir()) == [folder / "canary", folder / "in"]
    assert (folder / "canary").read_text() == "untouched"
    assert sorted(Path("/").iterdir()) == before
    for root, folders, files in os.walk(folder / "in"):
        for name in folders + files:
            path = Path(root, name)
            assert path.is_symlink() or path.is_file() or path.is_dir()
            assert Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder / "in")), path
    return notes


NAMES = st.one_of(
    st.sampled_from(
        [b"-x", b" ", b"a\nb", b"\\", b"..a", b"\xff\xfe", "ü".encode(), b"a" * 200, b"*?", b".git", b"e=1"]
    ),
    st.binary(min_size=1, max_size=30).filter(lambda n: not set(n) & {0, 0x2F} and n not in _SKIPPED),
)
FILES = st.tuples(st.binary(max_size=2000), st.sampled_from([0o644, 0o755, 0o600, 0o4711]))
TREES = st.recursive(
    st.dictionaries(NAMES, FILES, min_size=1, max_size=4),
    lambda inner: st.dictionaries(NAMES, st.one_of(FILES, inner), min_size=1, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60)
@given(TREES)
def test_pack_and_unpack_give_the_same_folder(tree: dict) -> None:
    with tempfile.TemporaryDirectory() as name:
        source, copy = Path(name, "source"), Path(name, "copy")
        make(source, tree)
        copy.mkdir()
        with archive.spool(archive.pack(source)) as file:
            archive.unpack(file, copy)
        assert archive.digest(copy) == archive.digest(source)
        for path in archive.walk(source):
            same = copy / path.relative_to(source)
            assert same.read_bytes() == path.read_bytes()
            assert bool(same.stat().st_mode & 0o100) == bool(path.stat().st_mode & 0o100)
            assert not same.stat().st_mode & 0o7022


def test_links_survive_and_files_with_two_names_become_two_files(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    make(source, {"a": {"b": {"up": "../../c"}}, "c": b"c", "here": "a/b", "gone": "nowhere"})
    (source / "twin").hardlink_to(source / "c")
    copy.mkdir()
    with archive.spool(archive.pack(source)) as file:
        archive.unpack(file, copy)
    assert archive.digest(copy) == archive.digest(source)
    assert (copy / "a/b/up").read_bytes() == b"c"
    assert str((copy / "gone").readlink()) == "nowhere"
    assert (copy / "twin").read_bytes() == b"c"
    assert (copy / "c").stat().st_mtime > 1e9, "1970 breaks builders of zip files"


def test_caches_are_left_out_and_a_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    make(tmp_path / "d", {"a": b"", "__pycache__": {"a.pyc": b"x"}, ".DS_Store": b"x", "loop": "."})
    assert [path.name for path in archive.walk(tmp_path / "d")] == ["a", "loop"]


def test_the_digest_names_content_kind_and_place(tmp_path: Path) -> None:
    trees = [{"a": b"x"}, {"b": b"x"}, {"a": b"y"}, {"a": (b"x", 0o755)}, {"a": "x"}, {"d": {"a": b"x"}}, {}]
    digests = []
    for number, tree in enumerate(trees):
        make(tmp_path / str(number), tree)
        digests.append(archive.digest(tmp_path / str(number)))
    assert len(set(digests)) == len(trees)
    assert all(len(digest) == 71 and digest.startswith("sha256:") for digest in digests)


HOSTILE = {
    "dots": [("../out", FILE, b"x")],
    "dots inside": [("a/../../out", FILE, b"x")],
    "absolute": [("/tmp/out", FILE, b"x")],
    "link out": [("l", LINK, "../out")],
    "absolute link": [("l", LINK, "/etc/passwd")],
    "link that comes back up": [("d", FOLDER, ""), ("l", LINK, "d/../../out")],
    "link without a target": [("l", LINK, "")],
    "through a link": [("l", LINK, "."), ("l/x", FILE, b"x")],
    "folder on a link": [("d", FOLDER, ""), ("l", LINK, "d"), ("l", FOLDER, "")],
    "file on a folder": [("d/x", FILE, b"x"), ("d", FILE, b"x")],
    "link on a folder": [("d/x", FILE, b"x"), ("d", LINK, "d")],
    "folder on a file": [("d", FILE, b"x"), ("d/x", FILE, b"x")],
    "hard link": [("a", FILE, b"x"), ("b", HARD, "a")],
    "hard link out": [("b", HARD, "../canary")],
    "character device": [("c", tarfile.CHRTYPE, "")],
    "block device": [("c", tarfile.BLKTYPE, "")],
    "pipe": [("c", tarfile.FIFOTYPE, "")],
    "name too long": [("n" * 300, FILE, b"x")],
    "folder's name too long": [("n" * 300 + "/x", FILE, b"x")],
}


@pytest.mark.parametrize("what", HOSTILE)
def test_harm_is_noted_and_left_out_or_refuses_the_whole(tmp_path: Path, what: str) -> None:
    notes = unpacked(tmp_path, tar(("fine", FILE, b"fine"), *HOSTILE[what]))
    assert len(notes) == 1
    assert (tmp_path / "in" / "fine").read_bytes() == b"fine"
    (tmp_path / "again").mkdir()
    with pytest.raises(BadInput, match="remove it and send the folder again"):
        archive.unpack(tar(*HOSTILE[what]), tmp_path / "again")


def test_a_chain_of_links_too_long_to_resolve_leads_nowhere(tmp_path: Path) -> None:
    """CVE-2025-4517: beyond PATH_MAX the standard library's check resolves links no more."""
    members, path, letters = [], "", "abcdefghijklmnop"
    for letter in letters:
        members += [(f"{path}{'d' * 247}", FOLDER, ""), (f"{path}{letter}", LINK, "d" * 247)]
        path += f"{'d' * 247}/"
    chain = f"{'/'.join(letters)}/{'l' * 254}"
    members += [(chain, LINK, "../" * len(letters)), ("escape", LINK, f"{chain}/../../..")]
    notes = unpacked(tmp_path, tar(*members, ("escape/out", FILE, b"x")))
    assert any(note.startswith("escape: ") for note in notes)


PARTS = st.lists(st.sampled_from(["a", "b", "c", "..", ".", "", "\udcff", "x" * 99]), min_size=1, max_size=4)
PATHS = PARTS.map("/".join)
KINDS = st.sampled_from([FILE, FILE, FOLDER, LINK, LINK, HARD, tarfile.CHRTYPE, tarfile.FIFOTYPE])


@settings(max_examples=150)
@given(st.lists(st.tuples(PATHS, KINDS, PATHS), max_size=12), st.integers(0, 1))
@example([("a", LINK, "b/.."), ("b", LINK, "c/.."), ("a/x", FILE, "y")], 0)
def test_whatever_an_archive_says_nothing_gets_out(members: list, strip: int) -> None:
    laid = [(n, k, w.encode("utf-8", "surrogateescape") if k == FILE else w) for n, k, w in members]
    with tempfile.TemporaryDirectory() as name:
        unpacked(Path(name), tar(*laid), strip=strip)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 3071), st.binary(min_size=1, max_size=40)), max_size=4), st.integers(0, 3072))
def test_a_broken_archive_is_bad_input_and_nothing_else(patches: list, cut: int) -> None:
    content = bytearray(tar(("a", FILE, b"x" * 100), ("ü" * 80, LINK, "a"), ("b/c", FILE, b"y")).getvalue()[:3072])
    for place, patch in patches:
        content[place : place + len(patch)] = patch
    with tempfile.TemporaryDirectory() as name, contextlib.suppress(BadInput):
        unpacked(Path(name), io.BytesIO(content[:cut]))


@pytest.mark.parametrize(
    "content",
    [b"", b"no tar at all" * 100, gzip.compress(tar(("a", FILE, b"x")).getvalue())],
    ids=["empty", "text", "compressed"],
)
def test_what_is_no_plain_tar_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        archive.unpack(io.BytesIO(content), tmp_path)


def test_a_header_with_a_wrong_sparse_map_is_bad_input(tmp_path: Path) -> None:
    member = tarfile.TarInfo("a")
    member.pax_headers = {"GNU.sparse.map": "1,x", "GNU.sparse.size": "-1", "mtime": "nan"}
    with pytest.raises(BadInput, match="cannot be read"):
        archive.unpack(io.BytesIO(member.tobuf(tarfile.PAX_FORMAT) + bytes(1024)), tmp_path)


def test_caps_stop_a_bomb_before_it_is_laid(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="more than 2 files or 100 bytes"):
        archive.unpack(tar(*[(str(n), FILE, b"") for n in range(3)]), tmp_path, caps=Caps(2, 100))
    bomb = tarfile.TarInfo("bomb")
    bomb.size = 10**12
    with pytest.raises(BadInput, match="the allowed maximum"):
        archive.unpack(io.BytesIO(bomb.tobuf()), tmp_path)
    assert not (tmp_path / "bomb").exists()


def test_strip_and_skip(tmp_path: Path) -> None:
    def skip(path: PurePosixPath) -> bool:
        return ".git" in path.parts

    members = [("tree", FOLDER, ""), ("tree/a", FILE, b"a"), ("tree/.git/config", FILE, b"x"), ("/tree/b", FILE, b"b")]
    notes = unpacked(tmp_path, tar(*members), strip=1, skip=skip)
    assert notes == []
    assert (tmp_path / "in/a").read_bytes() == b"a"
    assert not (tmp_path / "in/.git").exists()


def test_the_last_of_two_members_stands_and_a_link_is_replaced_not_written_through(tmp_path: Path) -> None:
    make(tmp_path / "in", {"target": b"before"})
    archive.unpack(tar(("l", LINK, "target"), ("l", FILE, b"one"), ("l", FILE, b"two")), tmp_path / "in")
    assert (tmp_path / "in/target").read_bytes() == b"before"
    assert (tmp_path / "in/l").read_bytes() == b"two"
    assert stat.S_IMODE((tmp_path / "in/l").stat().st_mode) == 0o755


@pytest.mark.parametrize(
    ("link", "target", "out"),
    [
        ("l", "a", False),
        ("l", "../a", True),
        ("d/l", "../a", False),
        ("d/l", "../../a", True),
        ("d/l", "x/../../a", True),
        ("l", "/etc/passwd", True),
        ("l", ".", False),
        ("l", "..", True),
        ("l", "", True),
        ("l", "a\0b", True),
    ],
)
def test_leads_out(link: str, target: str, out: bool) -> None:
    assert archive.leads_out(PurePosixPath(link), target) is out

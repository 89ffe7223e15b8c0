"""Packs and trees of whoever sends them: what is broken, hostile or too large is refused, and nothing of it is written."""

import hashlib
import zlib
from pathlib import Path

import pytest

from capture.harness import BASE, END, Repository
from oneshot_capture.trees import PackedTrees
from oneshot_shared.archive import Caps
from oneshot_shared.errors import BadInput
from orchestrator import trees
from orchestrator.trees import Tree

MIB = 1024 * 1024


@pytest.fixture
async def repository(tmp_path: Path) -> Repository:
    return await Repository.make(tmp_path / "repository")


async def taken(pack: bytes, place: Path, caps: Caps = Caps()) -> PackedTrees:  # noqa: B008 -- frozen
    place.mkdir()
    (place / "received.pack").write_bytes(pack)
    made = PackedTrees(place, caps)
    await made.take(place / "received.pack")
    return made


async def test_a_tree_comes_out_as_it_went_in(repository: Repository, tmp_path: Path) -> None:
    oid = await repository.tree(BASE)
    made = await taken(await repository.pack(oid), tmp_path / "p")
    tree = await made.tree(oid)
    assert (tree.oid, tree.left_out) == (oid, [])
    await made.write(tree.oid, tmp_path / "all")
    await made.write(tree.oid, tmp_path / "some", [b"src/calc.py"])
    assert trees.read(tmp_path / "all") == BASE
    assert list(trees.read(tmp_path / "some")) == [b"src/calc.py"]


async def test_changes_and_their_tree(repository: Repository, tmp_path: Path) -> None:
    base, end = await repository.tree(BASE), await repository.tree(END)
    made = await taken(await repository.pack(base, end), tmp_path / "p")
    changes = await made.changes(await made.tree(base), await made.tree(end))
    assert [change.path for change in changes] == [b"src/calc.py", b"tests/test_calc.py"]
    assert await made.changed(base, changes) == end
    assert await made.changed(base, []) == base
    await made.patch(base, end, tmp_path / "patch")
    trees.apply((tmp_path / "patch").read_bytes(), trees.write(BASE, tmp_path / "again"))
    assert trees.read(tmp_path / "again") == END


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda pack: b"", "is no git pack"),
        (lambda pack: b"tar" + pack, "is no git pack"),
        (lambda pack: pack[:-25], "the pack is refused"),
        (lambda pack: pack[:60] + bytes([pack[60] ^ 1]) + pack[61:], "the pack is refused"),
        (lambda pack: pack + b"more", "the pack is refused"),
        (lambda pack: pack[:8] + (400_001).to_bytes(4) + pack[12:], "holds 400001 objects; at most 400000 are allowed"),
        (lambda pack: pack[:8] + (300_000).to_bytes(4) + pack[12:], "the pack is refused"),
    ],
    ids=["empty", "no pack", "truncated", "flipped bit", "longer", "too many objects", "fewer than it says"],
)
async def test_a_pack_that_is_none(repository: Repository, tmp_path: Path, spoil: object, says: str) -> None:
    pack = await repository.pack(await repository.tree(BASE))
    with pytest.raises(BadInput, match=says):
        await taken(spoil(pack), tmp_path / "p")  # type: ignore[operator]


async def test_a_pack_without_all_objects(repository: Repository, tmp_path: Path) -> None:
    oid = await repository.tree({b"a": ("file", b"1")})
    with pytest.raises(BadInput, match=r"the pack is refused.*did not receive expected object"):
        await taken(await repository.pack_of(oid), tmp_path / "blob")
    made = await taken(await repository.pack(oid), tmp_path / "tree")
    with pytest.raises(BadInput, match=f"the tree {'a' * 40} is refused"):
        await made.tree("a" * 40)
    blob = (await repository.blob(b"1")).decode()
    with pytest.raises(BadInput, match=f"{blob} is a blob, not a tree"):
        await made.tree(blob)


HOSTILE = [b".git", b".GIT", b".Git", b"git~1", b"GIT~1", b"..", b".", b".git ", b".git...", b".git::$INDEX_ALLOCATION"]


@pytest.mark.parametrize("name", [*HOSTILE, b".g\xe2\x80\x8cit", b".git\\x", b"a\\.git"])
@pytest.mark.parametrize("deep", [False, True])
async def test_hostile_names(repository: Repository, tmp_path: Path, name: bytes, deep: bool) -> None:
    blob = await repository.blob(b"x")
    oid = await repository.raw(b"100644 blob %s\t%s" % (blob, name))
    if deep:
        oid = await repository.raw(b"040000 tree %s\tsub" % oid.encode())
    with pytest.raises(BadInput):
        await (await taken(await repository.pack(oid), tmp_path / "p")).tree(oid)


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_folders(repository: Repository, tmp_path: Path, name: bytes) -> None:
    hooks = await repository.raw(b"100755 blob %s\tpost-checkout" % await repository.blob(b"#!/bin/sh\n"))
    oid = await repository.raw(b"040000 tree %s\t%s" % (hooks.encode(), name))
    with pytest.raises(BadInput):
        await (await taken(await repository.pack(oid), tmp_path / "p")).tree(oid)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _bomb(copies: int) -> bytes:
    """A pack of a few kB: 8 MiB of zeros, and a delta that lays them side by side."""
    base = bytes(8 << 20)
    delta = _varint(len(base)) + _varint(len(base) * copies) + b"\xc0\x80" * copies  # copy 0x800000 bytes from 0
    first = b"\xb0\x80\x80\x20" + zlib.compress(base)  # a blob of 8 MiB
    size = _varint(len(delta) >> 4)
    distance, offset = len(first), bytearray([len(first) & 127])
    while distance := distance >> 7:
        distance -= 1
        offset.insert(0, 128 | distance & 127)
    second = bytes([0xE0 | len(delta) & 15]) + size + bytes(offset) + zlib.compress(delta)
    pack = b"PACK" + (2).to_bytes(4) + (2).to_bytes(4) + first + second
    return pack + hashlib.sha1(pack).digest()


async def test_a_small_pack_of_an_enormous_file_is_refused_and_takes_no_memory(tmp_path: Path) -> None:
    await taken(_bomb(2), tmp_path / "fine")
    with pytest.raises(BadInput, match="the pack holds a file too large to be read in 768 MiB; leave it out"):
        await taken(_bomb(600), tmp_path / "bomb")


async def test_a_name_that_is_a_link_and_a_folder_too(repository: Repository, tmp_path: Path) -> None:
    link, inside = await repository.blob(b"/tmp"), await repository.blob(b"x")
    sub = await repository.raw(b"100644 blob %s\tx" % inside)
    oid = await repository.raw(b"120000 blob %s\ta" % link, b"040000 tree %s\ta" % sub.encode())
    with pytest.raises(BadInput, match=r"the pack is refused.*duplicate"):
        await taken(await repository.pack(oid), tmp_path / "p")


async def test_a_name_too_long_for_a_file(repository: Repository, tmp_path: Path) -> None:
    oid = await repository.raw(b"100644 blob %s\t%s" % (await repository.blob(b"x"), b"n" * 256))
    made = await taken(await repository.pack(oid), tmp_path / "p")
    with pytest.raises(BadInput, match=r"'n+', which is too long for a file's name"):
        await made.tree(oid)


async def test_a_small_pack_of_endlessly_many_files(repository: Repository, tmp_path: Path) -> None:
    blob = await repository.blob(b"x")
    oid = await repository.raw(*(b"100644 blob %s\t%d" % (blob, n) for n in range(10)))
    for _ in range(9):
        oid = await repository.raw(*(b"040000 tree %s\t%d" % (oid.encode(), n) for n in range(10)))
    made = await taken(await repository.pack(oid), tmp_path / "p")
    with pytest.raises(BadInput, match="has far too many files"):
        await made.tree(oid)


async def test_too_many_and_too_large_files(repository: Repository, tmp_path: Path) -> None:
    tree: Tree = {b"a": ("file", b"1234"), b"b": ("file", b"1234")}
    oid = await repository.tree(tree)
    pack = await repository.pack(oid)
    for number, caps in enumerate((Caps(files=1, bytes=MIB), Caps(files=100, bytes=7))):
        with pytest.raises(BadInput, match=r"2 files of 8 bytes; at most|holds 3 objects; at most 2"):
            await (await taken(pack, tmp_path / str(number), caps)).tree(oid)


async def test_submodules_and_endless_links_are_left_out(repository: Repository, tmp_path: Path) -> None:
    oid = await repository.raw(
        b"100644 blob %s\ta" % await repository.blob(b"1"),
        b"120000 blob %s\tlong" % await repository.blob(b"x/" * 4096),
        b"160000 commit %s\tsub" % (b"b" * 40),
    )
    made = await taken(await repository.pack(oid), tmp_path / "p")
    tree = await made.tree(oid)
    assert tree.left_out == [
        "'long' was left out: it is a link that leads out of the tree",
        "'sub' was left out: it is a submodule, whose files are not in the tree",
    ]
    await made.write(tree.oid, tmp_path / "out")
    assert trees.read(tmp_path / "out") == {b"a": ("file", b"1")}


async def test_attributes_and_filters_of_a_tree_are_not_obeyed(repository: Repository, tmp_path: Path) -> None:
    tree: Tree = {
        b".gitattributes": ("file", b"* text eol=crlf ident filter=evil working-tree-encoding=UTF-16\n" + b"x" * 3000),
        b".gitmodules": ("file", b'[submodule "x"]\n\tpath = -x\n\turl = -u\n\tupdate = !touch /tmp/ran\n'),
        b"a": ("file", b"$Id$\n\r\n"),
    }
    oid = await repository.tree(tree)
    made = await taken(await repository.pack(oid), tmp_path / "p")
    await made.write((await made.tree(oid)).oid, tmp_path / "out")
    assert trees.read(tmp_path / "out") == tree

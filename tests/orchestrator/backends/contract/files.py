"""Files on their way in and out: content, names, modes; and what is taken away."""

import io
import os
import tarfile

from oneshot_orchestrator.contract import Changes
from oneshot_orchestrator.overlay import changes_tar
from oneshot_shared import archive
from orchestrator import trees
from orchestrator.backends.contract.bench import MB, SOAK, Box, fresh, shared

LARGE_BYTES = (1024 if SOAK else 64) * MB
ODD_NAMES = [
    b"with space", b"new\nline", b"-rf", b"--", b"tab\t", b"quote'\"", b"$HOME", b"*", b"back\\slash", b"\xff\xfe", b"caf\xe9",
    "ü€𝄞".encode(), "e\u0301".encode(), b"x" * 255, b"\xc3\xbc" * 127, b"~", b"a:b", b".hidden", b"end.", b" ", b"%s",
    b"/".join([b"deep" * 10] * 60), b"\x01\x7f",
]  # fmt: skip
MEMBERS: list[tuple[str, int, bytes, str]] = [
    ("run", 0o4755, b"#!/bin/sh\necho ran\n", ""),
    ("secret", 0o600, b"1", ""),
    ("folder", 0o2700, b"", ""),
    ("link", 0o777, b"", "run"),
]


@fresh
async def an_empty_file_goes_in_and_out(box: Box) -> None:
    await box.put({"empty": b"", "deep/empty": b""}, box.sandbox.tree)
    found = await box.tree()
    assert (found[b"empty"], found[b"deep/empty"]) == (("file", b""), ("file", b""))


@fresh
async def a_large_file_goes_in_and_out_byte_for_byte(box: Box) -> None:
    source = box.bench.folder() / "large"
    with source.open("wb") as file:
        for _ in range(LARGE_BYTES // MB):
            file.write(os.urandom(MB))
    with archive.spool(archive.pack(source.parent)) as tar:
        await box.sandbox.put(tar, box.sandbox.tree)
    await box.says("mv large larger && test -s larger")
    found = await box.tree_folder() / "larger"
    with source.open("rb") as ours, found.open("rb") as theirs:
        while chunk := ours.read(MB):
            assert chunk == theirs.read(MB)
        assert theirs.read(1) == b""


@fresh
async def every_byte_goes_in_and_out(box: Box) -> None:
    content = bytes(range(256)) * 300 + b"\r\n\0"
    await box.put({"bytes": content}, box.sandbox.tree)
    await box.says("cp bytes copied")
    found = await box.tree()
    assert (found[b"bytes"], found[b"copied"]) == (("file", content), ("file", content))


@fresh
async def odd_names_go_in(box: Box) -> None:
    folder = f"{box.sandbox.scratch}/odd names"
    await box.put({os.fsdecode(name): b"%d" % number for number, name in enumerate(ODD_NAMES)}, folder)
    script = """
import os, sys
for top, _, files in os.walk(os.fsencode(sys.argv[1])):
    for name in files:
        with open(os.path.join(top, name), "rb") as file:
            print(file.read().decode(), os.path.relpath(os.path.join(top, name), os.fsencode(sys.argv[1])).hex())
"""
    lines = sorted((await box.python(script, folder)).splitlines())
    assert lines == sorted(f"{number} {name.hex()}" for number, name in enumerate(ODD_NAMES))


@fresh
async def odd_names_come_out(box: Box) -> None:
    script = """
import os, sys
for number, name in enumerate(map(bytes.fromhex, sys.argv[1:])):
    if b"/" in name:
        os.makedirs(os.path.dirname(name))
    with open(name, "wb") as file:
        file.write(b"%d" % number)
"""
    await box.python(script, *(name.hex() for name in ODD_NAMES))
    found = await box.tree()
    for number, name in enumerate(ODD_NAMES):
        assert found[name] == ("file", b"%d" % number)


@fresh
async def the_right_to_run_a_file_goes_out(box: Box) -> None:
    await box.says("echo 1 > a; echo 1 > b; chmod 755 a; chmod 644 b; echo 1 > c; chmod 500 c")
    found = await box.tree()
    assert [found[name][0] for name in (b"a", b"b", b"c")] == ["exec", "file", "exec"]


@shared
async def the_right_to_run_a_file_goes_in_and_no_other(box: Box) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, mode, content, target in MEMBERS:
            member = tarfile.TarInfo(name)
            member.mode, member.size, member.linkname = mode, len(content), target
            member.type = tarfile.SYMTYPE if target else tarfile.DIRTYPE if not content else tarfile.REGTYPE
            tar.addfile(member, io.BytesIO(content))
    file.seek(0)
    folder = f"{box.sandbox.scratch}/modes"
    await box.sandbox.put(file, folder)
    modes = await box.says(f"cd {folder}; stat -c %a run secret folder; ./link; readlink link")
    assert modes.split() == ["755", "644", "755", "ran", "run"]


@shared
async def what_was_put_belongs_to_the_agent(box: Box) -> None:
    folder = f"{box.sandbox.scratch}/for/the/agent"
    await box.put({"a/b.txt": b"1", "c": b"2"}, folder)
    script = """cd "$1"; cat a/b.txt c; echo mine > c; rm a/b.txt; touch a/new new; cd ../../..; mv for/the/agent for/mine
        rm -r for"""
    assert await box.says(script, folder) == "12"


@shared
async def what_was_put_into_a_new_folder_of_the_tree_belongs_to_the_agent(box: Box) -> None:
    await box.put({"a/b.txt": b"1"}, f"{box.sandbox.tree}/put-new/deeper/still")
    await box.says("touch put-new/x put-new/deeper/x put-new/deeper/still/a/x && rm -r put-new")


@shared
async def putting_leaves_alone_what_is_there(box: Box) -> None:
    folder = f"{box.sandbox.scratch}/kept"
    await box.put({"old": b"old", "sub/old": b"old"}, folder)
    await box.put({"new": b"new", "sub/new": b"new"}, folder)
    assert await box.says("cd $1; cat old sub/old new sub/new; rm -r $1", folder) == "oldoldnewnew"


@shared
async def putting_takes_the_place_of_read_only_files_and_of_links(box: Box) -> None:
    folder = f"{box.sandbox.scratch}/over"
    script = "mkdir -p $1; cd $1; echo old > file; echo old > kept; ln -s kept link; chmod 400 file"
    await box.says(script, folder)
    await box.put({"file": b"new", "link": b"new"}, folder)
    assert await box.says("cd $1; cat file link kept; test ! -L link", folder) == "newnewold\n"


@fresh
async def changes_are_laid_over_the_tree(box: Box) -> None:
    new: trees.Tree = {
        b"README.md": ("exec", b"new"),
        b"pyproject.toml/x": ("file", b"a folder now"),
        b"src": ("link", b"tests"),
        b"caf\xe9": ("file", b"\0"),
        b"d" * 90 + b"/" + "ü".encode() * 60: ("file", b"long"),
    }
    folder = trees.write(new, box.bench.folder())
    base = trees.read(box.bench.environment.folder / "base")
    gone = [b"pyproject.toml", b"src/greet/__init__.py"]
    await box.sandbox.remove([os.fsdecode(name) for name in [*gone, *new, b"never/there"]])
    with changes_tar(Changes(folder, [])) as tar:
        await box.sandbox.put(tar, box.sandbox.tree)
    assert await box.tree() == {k: v for k, v in base.items() if k not in gone} | new
    assert (await box.sh("echo x >> README.md")).exit.code == 0


@shared
async def many_files_are_removed(box: Box) -> None:
    await box.says("mkdir many && cd many && seq 1200 | xargs touch")
    await box.sandbox.remove([f"many/{number}" for number in range(1, 1201)])
    assert await box.says("ls many; rmdir many") == ""


@fresh
async def odd_names_are_removed(box: Box) -> None:
    await box.put({os.fsdecode(name): b"" for name in ODD_NAMES}, f"{box.sandbox.tree}/odd")
    await box.sandbox.remove([f"odd/{os.fsdecode(name)}" for name in ODD_NAMES])
    assert not [name for name in await box.tree() if name.startswith(b"odd/")]


@shared
async def folders_and_links_are_removed_and_never_what_a_link_leads_to(box: Box) -> None:
    await box.says(
        "mkdir -p gone/full/deep gone/kept; cd gone; touch full/deep/f kept/1 kept/2; ln -s kept link; ln -s nowhere dangling"
    )
    await box.sandbox.remove(
        ["gone/full", "gone/link/1", "gone/link", "gone/dangling", "gone/full/deep", "gone/nobody"]
    )
    assert await box.says("ls gone gone/kept; rm -r gone") == "gone:\nkept\n\ngone/kept:\n1\n2\n"


@shared
async def read_only_folders_are_removed(box: Box) -> None:
    await box.says("mkdir -p shut/in/deep; touch shut/in/deep/f; chmod 000 shut/in/deep; chmod 500 shut/in")
    await box.sandbox.remove(["shut"])
    await box.says("test ! -e shut")

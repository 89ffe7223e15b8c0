"""What git lists, read; names with anything in them but NUL."""

import os

from hypothesis import given
from hypothesis import strategies as st

from cli.repository.readiness.repo import Repo
from oneshot_cli.repository.readiness import listing

OID = b"0" * 40
NAMES = st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name and not name.endswith(b"/"))


def test_every_kind_of_line() -> None:
    said = b"\0".join(
        [
            b"? new",
            b"? nested/",
            b"H 100644 %s 0\tfile" % OID,
            b"h 100755 %s 0\thidden" % OID,
            b"S 100644 %s 0\tsparse" % OID,
            b"H 160000 %s 0\tmodule" % OID,
            b"M 100644 %s 1\tboth" % OID,
            b"M 100644 %s 2\tboth" % OID,
            b"H 100644 %s 0\tours" % OID,
            b"U 100644 %s 1\tfile" % OID,
            b"",
        ]
    )
    assert listing.read(said, frozenset({b"ours"})) == listing.Index(
        files=[b"file", b"hidden"],
        hidden=[b"hidden"],
        absent=[b"sparse"],
        gitlinks={b"module": OID.decode()},
        unmerged={b"both": None},
        resolved={b"file": None},
        untracked=[b"new"],
        nested=[b"nested/"],
    )


@given(st.sets(NAMES), st.sets(NAMES))
def test_any_names(tracked: set[bytes], untracked: set[bytes]) -> None:
    lines = [b"? " + name for name in untracked] + [b"H 100644 %s 0\t%s" % (OID, name) for name in tracked]
    index = listing.read(b"".join(line + b"\0" for line in lines), frozenset())
    assert (set(index.files), set(index.untracked)) == (tracked, untracked)
    assert set(index.names) == tracked | untracked


async def test_as_git_lists_them(repo: Repo) -> None:
    name = b"tab\tnew\nline caf\xe9"
    here = os.fsencode(repo.top)
    for path in (name, b"? x"):
        os.close(os.open(os.path.join(here, path), os.O_CREAT))  # noqa: PTH118 -- bytes
    index = (await repo.facts()).index
    assert sorted(index.untracked) == [b"? x", name]
    repo.git("add", "-A")
    assert sorted((await repo.facts()).index.files) == [b"? x", b"README.md", name]


def test_look(repo: Repo) -> None:
    repo.write("a/file", "12345")
    (repo.top / "link").symlink_to("a")
    os.mkfifo(repo.top / "pipe")
    index = listing.Index(files=[b"a/file", b"gone", b"a/file/below", b"a"], untracked=[b"link", b"pipe"])
    looked = listing.look(os.fsencode(repo.top), index)
    assert looked.files == [listing.File(b"a/file", True, 5)]
    assert [(link.path, link.tracked) for link in looked.links] == [(b"link", False)]
    assert (looked.odd, looked.closed) == ([b"pipe"], [])

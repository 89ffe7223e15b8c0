"""What git says of trees, read."""

import pytest

from oneshot_capture import entries
from oneshot_capture.entries import LINK, NOTHING, SUBMODULE, Entry
from oneshot_shared.errors import BadInput

OID = b"a" * 40


def test_of_tree() -> None:
    said = b"100644 blob %s      12\tab\tc\n d\x00160000 commit %s       -\tsub\x00" % (OID, OID)
    assert list(entries.of_tree(said)) == [Entry(b"100644", OID, b"ab\tc\n d", 12), Entry(SUBMODULE, OID, b"sub")]
    assert list(entries.of_tree(b"")) == []


def test_of_diff() -> None:
    said = b":100644 000000 %s %s D\x00gone\x00:000000 100755 %s %s A\x00new\x00" % (OID, b"0" * 40, b"0" * 40, OID)
    assert list(entries.of_diff(said)) == [Entry(NOTHING, b"0" * 40, b"gone"), Entry(b"100755", OID, b"new")]
    assert list(entries.of_diff(b"")) == []


def test_contents() -> None:
    said = b"%s blob 3\na\nb\n%s blob 0\n\n" % (OID, OID)
    assert list(entries.contents(said)) == [b"a\nb", b""]
    assert list(entries.contents(b"")) == []
    many = b"%s blob 1\nx\n" % OID * 200_000
    assert sum(map(len, entries.contents(many))) == 200_000, (
        "in time that grows with what there is, not with its square"
    )


def test_index_info_lets_paths_go_before_others_take_their_place() -> None:
    new, gone = Entry(b"100644", OID, b"a/b"), Entry(NOTHING, b"0" * 40, b"a")
    assert entries.index_info([new, gone]) == b"000000 %s\ta\x00100644 %s\ta/b\x00" % (b"0" * 40, OID)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (b"../a", "leads out of the tree"),
        (b"/a", "leads out of the tree"),
        (b"a/./b", "leads out of the tree"),
        (b"a//b", "leads out of the tree"),
        (b"a/.GIT/x", "lies in a .git folder"),
        (b"git~1", "lies in a .git folder"),
        (b"x" * 256, "is too long"),
        (b"x/" * 1800 + b"x", "is too long"),
    ],
)
def test_names_that_nobody_may_write(path: bytes, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        entries.check_name(Entry(b"100644", OID, path))


@pytest.mark.parametrize("path", [b"a", b".github/x", b"\xff", b"..a", b"x" * 255, b".gitmodules"])
def test_names_that_anybody_may(path: bytes) -> None:
    entries.check_name(Entry(b"100644", OID, path))


@pytest.mark.parametrize(
    ("mode", "target", "why"),
    [
        (b"100644", None, ""),
        (LINK, b"b", ""),
        (LINK, b"../b", ""),
        (LINK, b"../../b", "is a link that leads out of the tree"),
        (LINK, b"/b", "is a link that leads out of the tree"),
        (LINK, None, "is a link that leads out of the tree"),
        (SUBMODULE, None, "is a submodule, whose files are not in the tree"),
    ],
)
def test_why_left_out(mode: bytes, target: bytes | None, why: str) -> None:
    assert entries.why_left_out(Entry(mode, OID, b"d/a"), target) == why

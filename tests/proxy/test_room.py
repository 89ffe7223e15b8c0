"""Memory for bodies: shared, given back, and never with a gap in what is kept."""

import pytest

from oneshot_proxy import room
from oneshot_proxy.room import Kept, Room, Share


def test_shares_come_out_of_one_room_and_go_back() -> None:
    everything = Room(10)
    first, second = Share(everything), Share(everything)
    assert (first.take(4), first.take(2), second.take(9)) == (4, 2, 4)
    assert second.take(1) == 0
    first.give_back()
    first.give_back()
    assert everything.left == 6
    assert second.take(7) == 6
    assert first.take(1) == 0


def test_what_comes_after_a_gap_is_not_kept() -> None:
    everything = Room(6)
    other = Share(everything)
    other.take(2)
    kept = Kept(Share(everything))
    kept.add(b"abc")
    assert (bytes(kept), kept.problem("answer")) == (b"abc", "")
    kept.add(b"def")
    other.give_back()
    kept.add(b"ghi")
    assert (bytes(kept), len(kept), kept.cut) == (b"abcd", 4, True)
    assert kept.problem("answer") == "only the first 4 bytes of the answer were kept"


def test_one_body_is_bounded_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_KEPT", 5)
    kept = Kept(Share(Room(100)))
    kept.add(b"abc")
    kept.add(b"def")
    assert bytes(kept) == b"abcde"
    assert kept.cut

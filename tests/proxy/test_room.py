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


def test_one_part_of_the_room_leaves_something_to_the_others() -> None:
    everything = Room(40)
    greedy, other = Share(everything.part()), Share(everything.part())
    assert (greedy.take(100), other.take(7), everything.left) == (10, 7, 23)
    greedy.give_back()
    assert everything.left == 33


def test_a_share_is_held_whole_or_not_at_all() -> None:
    everything = Room(10)
    share, other = Share(everything), Share(everything)
    assert (share.hold(8), other.hold(3), everything.left) == (True, False, 2)
    assert (share.hold(5), other.hold(5), share.hold(6), everything.left) == (True, True, False, 0)
    share.give_back()
    assert everything.left == 5


def test_what_passed_is_counted_and_the_end_of_it_stays() -> None:
    kept = Kept(Share(Room(4)))
    for chunk in (b"abc", b"def", b"g" * 20_000, b"the end"):
        kept.add(chunk)
    assert (bytes(kept), kept.passed) == (b"abcd", 20_013)
    assert kept.tail.endswith(b"ggthe end")
    assert len(kept.tail) == 16 * 1024

"""What of a body is new."""

import hashlib
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneshot_proxy.storage import stream as module
from oneshot_proxy.storage.stream import DIGEST_BYTES, Known, Request, Stream
from proxy.storage.bodies import BODIES, item, request


class Log:
    """A stream with everything that was taken from it."""

    def __init__(self) -> None:
        self.stream = Stream(1, Known())
        self.bytes = b""
        self.requests: dict[int, Request] = {}

    def add(self, body: bytes) -> int:
        """Add a request; how many bytes it brought."""
        seq = len(self.requests) + 1
        self.requests[seq] = self.stream.request(seq, body)
        new = self.stream.take()
        self.bytes += new
        assert self.body(seq) == body
        assert self.requests[seq].digest == hashlib.sha256(body).digest()[:DIGEST_BYTES]
        return len(new)

    def body(self, seq: int) -> bytes:
        found = self.requests[seq]
        start = self.body(found.parent)[: found.kept] if found.parent else b""
        return start + b"".join(self.bytes[at : at + length] for at, length in found.ranges)


def test_a_turn_costs_what_it_adds() -> None:
    log = Log()
    items = [item(0)]
    log.add(request(*items))
    for number in range(1, 50):
        items.append(item(number))
        assert log.add(request(*items)) < 2 * len(json.dumps(items[-1]))
        assert len(log.requests[number + 1].ranges) <= 4
        assert log.requests[number + 1].parent == number


def test_interleaved_conversations_stay_flat() -> None:
    log = Log()
    threads = [[item(0, f"of thread {number}")] for number in range(5)]
    for turn in range(1, 40):
        for number, items in enumerate(threads):
            items.append(item(turn, f"of thread {number}"))
            added = log.add(request(*items, turn=str(number)))
            seq = len(log.requests)
            if turn > 1:
                assert added < 2 * len(json.dumps(items[-1]))
                assert log.requests[seq].parent == seq - len(threads)
                assert len(log.requests[seq].ranges) <= 4


def test_branches_of_one_conversation_stay_flat() -> None:
    log = Log()
    start = [item(number) for number in range(20)]
    branches = [[*start], [*start]]
    log.add(request(*start))
    for turn in range(30):
        for number, items in enumerate(branches):
            items += [item(turn, f"branch {number} question"), item(turn, f"branch {number} answer")]
            log.add(request(*items))
            assert len(log.requests[len(log.requests)].ranges) <= 8


def test_a_compacted_conversation_repeats_no_item() -> None:
    log = Log()
    items = [item(number) for number in range(30)]
    log.add(request(*items))
    summary = [items[0], item(100, "summary of it all"), *items[25:]]
    assert log.add(request(*summary)) < 3 * len(json.dumps(summary[1]))
    summary.append(item(101))
    assert log.add(request(*summary)) < 2 * len(json.dumps(summary[-1]))


def test_marks_that_move_cost_the_items_they_are_on() -> None:
    """As Anthropic's cache marks do: the last items change their form once more in the next turn."""
    log = Log()
    items = [item(0)]
    costs = []
    for number in range(1, 60):
        items.append(item(number))
        marked = [*items[:-2], *({**each, "cache_control": {"type": "ephemeral"}} for each in items[-2:])]
        costs.append(log.add(request(*marked)))
        assert len(log.requests[number].ranges) <= 8
    assert max(costs[30:]) <= max(costs[5:30]) + 50


def test_what_is_forgotten_is_stored_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KNOWN", 4)
    log = Log()
    items = [item(number) for number in range(10)]
    log.add(request(*items))
    log.add(request(*reversed(items)))
    log.add(request(*items[3:]))
    assert len(log.stream.known) == 4


def test_sessions_do_not_share_pieces() -> None:
    known = Known()
    first, second = Stream(1, known), Stream(2, known)
    body = b"x" * 1000
    first.request(1, body)
    assert second.request(1, body).ranges == [[0, 1000]]
    assert second.take() == body


@settings(max_examples=50)
@given(st.lists(BODIES, max_size=6), st.data())
def test_every_body_is_rebuilt(bodies: list[bytes], data: st.DataObject) -> None:
    log = Log()
    for body in bodies:
        log.add(body)
        log.add(body)
        at = data.draw(st.integers(0, len(body)))
        log.add(body[:at] + b'{"more":1}' + body[at:])


@pytest.mark.parametrize(
    "change", [lambda body: body[:-1], lambda body: b" " + body, lambda body: b"", lambda body: body * 2]
)
def test_changed_bodies_are_rebuilt(change: Callable[[bytes], bytes]) -> None:
    log = Log()
    body = request(*(item(number) for number in range(300)))
    log.add(body)
    log.add(change(body))
    log.add(body)


def test_memory_is_bounded() -> None:
    log = Log()
    items = [item(number) for number in range(600)]
    for start in range(40):
        log.add(request(*items[start * 10 :]))
    assert len(log.stream.threads) <= 16
    assert max(len(thread.marks) for thread in log.stream.threads) <= 128

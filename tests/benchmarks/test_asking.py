"""The benchmark client's requests and timings; its sockets are what the benchmarks' own tests run."""

import json

import pytest

from benchmarks import programs


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(programs.FOLDER))
    import asking

    return asking


def test_a_conversation_keeps_its_size_and_most_of_its_items(asking) -> None:
    conversation = asking.Conversation(1, stream=False)
    first, second = (conversation.request("token").partition(b"\r\n\r\n")[2] for _ in range(2))
    assert first != second
    assert all(0.9 * asking.BODY_BYTES < len(body) < 1.1 * asking.BODY_BYTES for body in (first, second))
    items, later = json.loads(first)["input"], json.loads(second)["input"]
    assert len([item for item in later if item not in items]) <= 3


def test_an_events_delay_is_that_of_the_piece_that_ended_it(asking) -> None:
    answer = asking.Answer(0.0, 0.0, [(10.5, b'{"at": 10.0}\n{"at": 10'), (11.0, b".2}\n")])
    assert answer.delays == pytest.approx([0.5, 0.8])

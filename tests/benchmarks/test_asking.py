"""The benchmark client's requests and timings; its sockets are what the benchmarks' own tests run."""

import itertools
import json
import statistics

import pytest

from benchmarks import programs


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(programs.FOLDER))
    import asking

    return asking


def test_a_conversation_goes_on_with_what_it_was_and_keeps_its_size(asking) -> None:
    conversation = asking.Conversation(1, stream=False)
    bodies = [conversation.request("token").partition(b"\r\n\r\n")[2] for _ in range(60)]
    assert len(set(bodies)) == len(bodies)
    assert statistics.median(map(len, bodies)) == pytest.approx(asking.BODY_BYTES, rel=0.1)
    inputs = [json.loads(body)["input"] for body in bodies]
    goes_on = [later[: len(earlier)] == earlier for earlier, later in itertools.pairwise(inputs)]
    assert sum(goes_on) > 0.8 * len(goes_on)
    assert not all(goes_on)


def test_an_events_delay_is_that_of_the_piece_that_ended_it(asking) -> None:
    answer = asking.Answer(0.0, 0.0, [(10.5, b'{"at": 10.0}\n{"at": 10'), (11.0, b".2}\n")])
    assert answer.delays == pytest.approx([0.5, 0.8])

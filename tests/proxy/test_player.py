"""Which answer comes next."""

import pytest

from oneshot_proxy.cassette import Item, digest, emitted, parse
from oneshot_proxy.player import Player
from oneshot_proxy.refusal import Refusal
from proxy.test_cassette import CALL, HEADER, lines

SECOND = CALL | {"call_id": "c2", "arguments": '{"cmd": "ls"}'}
REASONING = {"type": "reasoning", "summary": [], "encrypted_content": "abc"}
USER = {"type": "message", "role": "user", "content": "hi"}


def player(*entries: object) -> Player:
    return Player(parse("demo", lines(HEADER, *entries)))


def test_a_conversation_is_followed() -> None:
    tape = player({"output": [CALL]}, {"output": [SECOND]})
    assert tape.next({}, [USER]).output == [CALL]
    assert tape.next({}, [USER, CALL, {"type": "function_call_output", "output": "differs"}]).output == [SECOND]


@pytest.mark.parametrize("sent_back", [[], [REASONING], [REASONING | {"encrypted_content": "other"}]])
def test_reasoning_may_be_sent_back_or_not(sent_back: list[Item]) -> None:
    tape = player({"output": [REASONING, CALL]}, {"output": [SECOND]})
    assert tape.next({}, [USER]).output == [REASONING, CALL]
    assert tape.next({}, [USER, *sent_back, CALL]).output == [SECOND]


def test_parallel_conversations_with_one_beginning_get_each_its_own() -> None:
    tape = player({"after": digest([]), "output": [CALL]}, {"after": digest([]), "output": [SECOND]})
    assert [tape.next({}, [USER]).output, tape.next({}, [USER]).output] == [[CALL], [SECOND]]


def test_an_answer_is_used_once() -> None:
    tape = player({"output": [CALL]})
    tape.next({}, [USER])
    with pytest.raises(Refusal, match="every answer after 0 model-emitted items was used already"):
        tape.next({}, [USER])


def test_a_miss_names_the_item_that_differs() -> None:
    tape = player({"output": [CALL]}, {"output": [SECOND]}, {"output": []})
    other = SECOND | {"arguments": '{"cmd": "rm"}'}
    with pytest.raises(Refusal) as caught:
        tape.next({}, [USER, CALL, other])
    assert caught.value.code == "oneshot_replay_diverged"
    assert (
        'item 2 of the request (function_call exec c2 \'{"cmd": "rm"}\') differs from every answer'
        in caught.value.message
    )
    assert 'expected there: function_call exec c2 \'{"cmd": "ls"}\'' in caught.value.message


def test_a_conversation_that_goes_on_past_the_end() -> None:
    with pytest.raises(Refusal, match="no answer follows the 1 model-emitted items"):
        player({"output": [CALL]}).next({}, [CALL])


def test_an_item_after_the_end_differs_from_nothing_in_particular() -> None:
    assert digest(emitted([CALL])) != digest(emitted([SECOND]))
    with pytest.raises(Refusal, match=r"item 2 of the request \(function_call exec c2 .*differs from every answer$"):
        player({"output": [CALL]}).next({}, [CALL, SECOND])

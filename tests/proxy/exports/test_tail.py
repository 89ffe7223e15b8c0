"""Reading on where the request before ended gives what reading the whole gives."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneshot_proxy.exports import history
from oneshot_proxy.exports.history import Histories
from oneshot_proxy.exports.tail import prefix
from oneshot_proxy.records import CallRecord
from proxy.exports.builders import record


def continued(before: str, body: str) -> str | None:
    found = prefix(before)
    assert found
    rest = found.rest(body)
    return rest[0] if rest else None


def test_what_stood_in_the_request_before_is_left_out() -> None:
    assert continued('{"a":1,"input":[1,2],"b":3}', '{"a":1,"input":[1,2, 3 ],"b":4}') == '{"a":1,"input":[ 3 ],"b":4}'
    assert continued('{"input":[1]}', '{"input":[1]}') == '{"input":[]}'
    assert continued('{ "messages" : [ {"a":[1]} ] }', '{ "messages" : [ {"a":[1]} , 2] }') == '{ "messages" : [  2] }'


@pytest.mark.parametrize(
    "body", ['{"input":[12]}', '{"input":[1', '{"input":[1,]}', '{"input":[1],"input":[]}', '{"input":[1 2]}', "{}"]
)
def test_what_is_no_continuation(body: str) -> None:
    assert continued('{"input":[1]}', body) is None


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"input":[', '{"input":[1],"messages":[]}', '{"input":[1],"input":""}', "[" * 100_000]
)
def test_what_has_no_list_of_items(body: str) -> None:
    assert prefix(body) is None


_ITEM = st.one_of(
    st.builds(lambda text: {"type": "message", "role": "user", "content": text}, st.sampled_from(["a", "b", "é"])),
    st.builds(lambda text: {"type": "function_call_output", "call_id": "c", "output": text}, st.text(max_size=3)),
    st.just({"type": "reasoning", "summary": []}),
)


@given(st.lists(st.tuples(st.lists(_ITEM, max_size=3), st.sampled_from(["", "t1", "t2"]), st.booleans()), max_size=8))
def test_turns_are_the_same_either_way(calls: list[tuple[list[dict[str, Any]], str, bool]]) -> None:
    on, anew = Histories(), Histories()
    items: list[dict[str, Any]] = []
    for seq, (more, thread, back) in enumerate(calls, 1):
        items = [*items[: len(items) // 2 if back else None], *more]
        said = {"type": "message", "role": "assistant", "content": f"the answer in call {seq}"}
        call = record(seq, {"input": items, "tools": []}, [said], request_headers=(("thread-id", thread),))
        anew._known = []
        assert on.turn(call) == anew.turn(call)
        items = [*items, said]


def _seconds(count: int) -> float:
    items: list[dict[str, Any]] = []
    calls: list[CallRecord] = []
    for seq in range(1, count + 1):
        items.append({"type": "message", "role": "user", "content": [{"type": "input_text", "text": f"{seq} " * 50}]})
        calls.append(record(seq, {"input": items}, [], request_headers=(("thread-id", "t"),)))
    histories = Histories()
    began = time.process_time()
    for call in calls:
        histories.turn(call)
    return time.process_time() - began


def test_long_sessions_are_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = _seconds(300)
    monkeypatch.setattr(history, "prefix", lambda body: None)
    assert fast < _seconds(300) / 3

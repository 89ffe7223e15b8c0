"""What each call adds to its conversation."""

from typing import Any

from oneshot_proxy.exports.history import Histories, Turn
from oneshot_proxy.refusal import Refusal
from proxy.exports.builders import record

HEADERS = (("thread-id", "t1"),)


def user(text: str, item_id: str = "") -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": text} | ({"id": item_id} if item_id else {})


def bot(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def turns(*calls: tuple[list[dict[str, Any]], list[dict[str, Any]]], status: int = 200, **fields: Any) -> list[Turn]:
    histories = Histories()
    found = []
    for seq, (given, output) in enumerate(calls, 1):
        made = record(seq, {"input": given} | fields, output, status, request_headers=HEADERS)
        turn = histories.turn(made)
        assert turn is not None
        found.append(turn)
    return found


def new(turn: Turn) -> list[str]:
    return [item.text for item in turn.new]


def test_what_was_there_before_is_not_new() -> None:
    first, second = turns(([user("a")], [bot("b")]), ([user("a"), bot("b"), user("a")], [bot("c")]))
    assert (new(first), new(second)) == (["a"], ["a"])
    assert (first.first, second.first, second.replaced) == (True, False, False)
    assert (second.call.input, second.record.request, second.context) == ((), b"", ())


def test_reasoning_that_an_agent_leaves_out_is_no_compaction() -> None:
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}
    _, second = turns(([user("a")], [thought, bot("b")]), ([user("a"), bot("b"), user("c")], []))
    assert (new(second), second.replaced) == (["c"], False)


def test_a_compacted_history_keeps_what_it_keeps() -> None:
    said = [user("context", "m1"), user("task", "m2"), bot("b"), user("go on", "m3")]
    compacted = [
        user("context", "m9"),
        user("task", "m2"),
        user("Summary: what was done so far", "m10"),
        user("go on", "m11"),
    ]
    _, second, third = turns(
        (said, [bot("what was done so far")]), (compacted, [bot("d")]), ([*compacted, bot("d"), user("e")], [])
    )
    assert new(second) == ["Summary: what was done so far", "go on"], "the person said the same again: it has a new id"
    assert second.replaced
    assert [item.text for item in second.context] == ["context", "task", "Summary: what was done so far", "go on"]
    assert (new(third), third.replaced) == (["e"], False)


def test_what_is_asked_aside_is_no_compaction_and_repeats_nothing() -> None:
    main = [user("a"), bot("b")]
    side = ([user("a title for this, please")], [bot("Title")])
    found = turns(([user("a")], [bot("b")]), side, ([*main, user("c")], [bot("d")]), side)
    assert [new(turn) for turn in found] == [["a"], ["a title for this, please"], ["c"], []]
    assert not any(turn.replaced for turn in found)


def test_going_back_is_no_compaction() -> None:
    found = turns(([user("a")], [bot("b")]), ([user("a"), bot("b"), user("c")], [bot("d")]), ([user("a")], [bot("e")]))
    assert [(new(turn), turn.replaced) for turn in found[1:]] == [(["c"], False), ([], False)]


def test_a_compaction_is_known_by_its_request_or_by_the_providers_item() -> None:
    asked = record(1, {"input": [user("a")]}, [], request_line="POST /v1/responses/compact", request_headers=HEADERS)
    histories = Histories()
    histories.turn(asked)
    after = histories.turn(record(2, {"input": [user("short")]}, [], request_headers=HEADERS))
    assert after
    assert (new(after), after.replaced) == (["short"], True)
    _, own = turns(([user("a")], []), ([{"type": "compaction", "encrypted_content": "x"}], []))
    assert own.replaced


def test_a_nameless_conversation_goes_on_without_its_reasoning() -> None:
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}
    histories = Histories()
    first = histories.turn(record(1, {"input": [user("a")]}, [thought, bot("b")]))
    second = histories.turn(record(2, {"input": [user("a"), bot("b"), user("c")]}, []))
    assert first
    assert second
    assert (second.thread.id, new(second)) == (first.thread.id, ["c"])


def test_a_failed_calls_answer_is_no_history() -> None:
    histories = Histories()
    broken = record(1, {"input": "a"}, [bot("half")], error="the answer broke off", request_headers=HEADERS)
    again = record(2, {"input": "a"}, [bot("whole")], request_headers=HEADERS)
    first, second = histories.turn(broken), histories.turn(again)
    assert first
    assert second
    assert (first.failure, new(first)) == ("the answer broke off", ["a"])
    assert [item.text for item in first.call.output] == ["half"]
    assert (second.failure, new(second), second.replaced) == ("", [], False)


def test_failures_have_words() -> None:
    assert turns(([user("a")], []), status=503)[0].failure
    histories = Histories()
    silent = histories.turn(record(1, {"input": "a"}, [], status=0, response=b""))
    assert silent is not None
    assert silent.failure == "no answer"


def test_instructions_are_the_first_item_and_may_change() -> None:
    histories = Histories()
    first = histories.turn(record(1, {"input": [user("a")], "instructions": "Be brief."}, [], request_headers=HEADERS))
    second = histories.turn(record(2, {"input": [user("a")], "instructions": "Be long."}, [], request_headers=HEADERS))
    assert first
    assert second
    assert (new(first), new(second), second.replaced) == (["Be brief.", "a"], ["Be long."], False)


def test_other_traffic_is_no_turn() -> None:
    assert Histories().turn(record(1, {}, [], request_line="GET /v1/models")) is None


def test_a_call_that_the_proxy_refused_is_no_part_of_a_conversation() -> None:
    look = {"type": "function_call", "name": "look", "call_id": "c1", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c1", "output": "3"}
    made_up = result | {"call_id": "c2"}
    no = Refusal("oneshot_model_refused", "no").body()
    histories = Histories()

    def turn(seq: int, given: list[dict[str, Any]], **fields: Any) -> Turn:
        found = histories.turn(record(seq, {"input": given}, [look], **fields))
        assert found
        return found

    before = turn(1, [user("free")], status=400, response=no)
    first = turn(2, [user("a")])
    refused = turn(3, [user("flood"), made_up, result], status=400, response=no)
    again = turn(4, [user("a"), look, result])
    assert (before.refused, new(before), first.refused, new(first)) == (True, [], False, ["a"])
    assert (refused.refused, new(refused)) == (True, ["3"])
    assert (new(again), again.replaced) == (["3"], False)
    assert len({each.thread.id for each in (before, first, refused, again)}) == 1

"""Where in a session a task was worked on."""

import dataclasses

import pytest

from oneshot_proxy.exports.contract import Slice
from oneshot_shared.errors import BadInput
from proxy.exports.builders import record
from proxy.exports.slicing.scenes import ASKED, OTHER, TASK, Session, Talk, bot, call, found, ours, script


def two_tasks(session: Session) -> Talk:
    """Calls 1 to 9."""
    talk = Talk(session)
    talk.user("First.")
    talk.start()  # 1
    talk.answer(call("a"))
    talk.finish("end0", "no test is named")
    talk.answer(call("b"))
    talk.finish()  # 5
    talk.user("Second.")
    talk.start(OTHER, "start2")
    talk.answer(call("c"))
    talk.finish("end2")  # 8
    talk.answer(bot("Both are done."))
    return talk


async def test_each_of_two_tasks() -> None:
    session = Session()
    two_tasks(session)
    first, second = await found(session), await found(session, Slice(OTHER))
    assert (first.begin, first.end, first.words, sorted(first.calls)) == ("start", "end", "First.", [2, 4, 5])
    assert (second.begin, second.end, second.words, sorted(second.calls)) == ("start2", "end2", "Second.", [7, 8])
    assert (first.main, first.total, first.succeeded, first.used) == ((1, 2, 3, 4, 5), 9, 3, ("end_task", "start_task"))
    assert (first.usage.input_tokens, first.repository) == (21, "")


async def test_ids_of_calls_go_before_names_and_unknown_ones_do_not_count() -> None:
    session = Session()
    two_tasks(session)
    other = await found(session, Slice(TASK, end_call_id="end0"))
    assert (other.end, sorted(other.calls)) == ("end0", [2, 3])
    same = await found(session, Slice(TASK, "gone", "exec-1", "exec-2", "/repo"))
    assert same == dataclasses.replace(await found(session), repository="/repo", final="", ended=False)
    assert (other.ended, (await found(session)).ended) == (True, True)


async def test_a_call_may_be_named_by_its_items_id() -> None:
    session = Session()
    talk = Talk(session)
    talk.user("Do it.")
    talk.answer(script("text(await lookup().start())", "start") | {"id": "ctc_1"}, gave="It is started.")
    talk.items[-2].pop("id")
    talk.answer(call("a"))
    talk.answer(script("text(await lookup().end())", "end") | {"id": "ctc_2"})
    talk.items[-2].pop("id")
    talk.answer(bot("It is ended."))
    part = await found(session, Slice(TASK, "", "ctc_1", "ctc_2"))
    assert (part.begin, part.end, part.cut, part.main) == ("start", "end", {"start", "end"}, (1, 2, 3))


async def test_a_start_is_said_again_and_another_one_is_refused() -> None:
    session = Session()
    talk = Talk(session)
    talk.user("Do it.")
    talk.start()
    talk.answer(ours("start_task", "again"), gave=f"Task {TASK} is open since 3 s.")
    talk.answer(ours("start_task", "no"), gave=f"Task {TASK} is open; end it first.")
    talk.answer(call("a"))
    talk.finish()
    part = await found(session)
    assert (part.begin, part.end, sorted(part.calls)) == ("start", "end", [4, 5])


async def test_no_end() -> None:
    session = Session()
    talk = Talk(session)
    talk.user("Do it.")
    talk.start()
    talk.answer(call("a"))
    talk.answer(bot("Wait."))
    part = await found(session)
    assert (part.end, part.ended, sorted(part.calls)) == ("", False, [2, 3])


async def test_a_resumed_conversation_has_the_start_in_its_history() -> None:
    session, earlier = Session(), Session()
    talk = Talk(earlier)
    talk.user("Do it.")
    talk.start()
    talk.answer(call("a"))
    talk.session = session
    talk.user("Go on.")
    talk.answer(call("b"))
    talk.finish()
    part = await found(session)
    assert (part.begin, part.words, sorted(part.calls), part.main) == ("start", "Do it.", [1, 2], (1, 2))


async def test_a_conversation_that_was_compacted_before_it_was_recorded_is_known_by_its_name() -> None:
    session = Session()
    talk = Talk(session)
    talk.user("Go on.")
    talk.answer(call("b"))
    talk.finish()
    part = await found(session, dataclasses.replace(ASKED, thread_id="main"))
    assert (part.begin, part.words, part.end, sorted(part.calls)) == ("", "", "end", [1, 2])


async def test_sub_agents_that_were_started_in_between_are_in() -> None:
    session = Session()
    talk = Talk(session)
    talk.user("Do it.")
    Talk(session, "early", "main").answer(bot("1"))
    talk.start()  # 2
    inner = Talk(session, "inner", "main")
    inner.answer(call("x"))  # 3
    Talk(session, "innermost", "inner").answer(bot("2"))  # 4
    Talk(session, "beside").answer(bot("3"))
    Talk(session, "early", "main").answer(bot("4"))
    talk.finish()  # 7
    inner.answer(bot("5"))
    part = await found(session)
    assert (sorted(part.calls), part.main, part.total) == ([3, 4, 7], (2, 7), 8)


async def test_an_answer_of_which_nothing_is_left_is_no_call_of_it() -> None:
    session = Session()
    talk = Talk(session)
    talk.user("Do it.")
    talk.answer(bot("I begin."), ours("start_task", "start"), gave=TASK)
    talk.answer(call("a"))
    talk.answer(ours("task_status", "s"))
    talk.answer(bot("That was it."), ours("end_task", "end"))
    assert sorted((await found(session)).calls) == [2, 4]
    session = Session()
    talk = Talk(session)
    talk.user("Do it.")
    talk.answer(ours("start_task", "start"), call("a"), gave=TASK)
    talk.answer(call("b"), ours("end_task", "end"), call("c"))
    assert sorted((await found(session)).calls) == [1, 2]


async def test_a_start_by_other_means_is_known_by_what_it_gave_back() -> None:
    session = Session()
    talk = Talk(session)
    talk.user("Do it.")
    talk.answer(script("const { start } = lookup(); text(await start())", "start"), gave=f"Task {TASK}.")
    talk.answer(call("a"), gave=f"not {TASK}-2")
    talk.answer(script("text(await tools.mcp__oneshot__repo_end_task_v1({}))", "end"))
    part = await found(session)
    assert (part.begin, part.end, part.cut, sorted(part.calls)) == ("start", "end", {"start"}, [2, 3])


async def test_an_attempt_that_broke_off_ends_nothing() -> None:
    session = Session()
    talk = Talk(session)
    talk.user("Do it.")
    talk.start()
    talk.session.record(talk.items, [ours("end_task", "half")], "main", error="the answer broke off")
    talk.answer(call("a"))
    talk.finish()
    part = await found(session)
    assert (part.end, sorted(part.calls), part.succeeded) == ("end", [2, 3, 4], 2)


async def test_what_is_not_there() -> None:
    with pytest.raises(BadInput, match=f"session 's' holds no work on task '{TASK}'; name the session in which"):
        await found(Session())
    session = Session()
    talk = Talk(session)
    talk.user(f"Do {TASK}.")
    talk.answer(call("a"))
    with pytest.raises(BadInput, match="holds no work"):
        await found(session)
    chat = {"messages": [{"role": "user", "content": "a"}]}
    session.calls = [record(1, chat, [], request_line="POST /v1/chat/completions")]
    with pytest.raises(BadInput, match="it spoke the chat API, and tasks are found in the Responses API only"):
        await found(session)

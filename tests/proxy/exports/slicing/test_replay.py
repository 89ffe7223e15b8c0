"""Conversations as a headless agent can be served them."""

from proxy.exports.slicing.scenes import TASK, Session, Talk, bot, call, ours, script, sliced

FINAL = "All is written."


def begun() -> tuple[Session, Talk]:
    session = Session()
    talk = Talk(session)
    talk.user("Do it.")
    talk.start()
    return session, talk


async def test_the_final_message_stands_where_the_end_was() -> None:
    session, talk = begun()
    talk.answer(call("a"))
    talk.finish("no", "name a test")
    talk.answer(call("b"))
    talk.finish()
    talk.answer(bot("It is ended."))
    assert await sliced(session, replayed=True) == [
        (["Do it."], ["a"]),
        (["Do it.", "a", "a*"], ["b"]),
        (["Do it.", "a", "a*", "b", "b*"], [FINAL]),
    ]


async def test_the_models_own_words_go_before_the_final_message() -> None:
    session, talk = begun()
    talk.answer(call("a"))
    talk.answer(bot("That was it."), ours("end_task", "end"))
    assert await sliced(session, replayed=True) == [
        (["Do it."], ["a"]),
        (["Do it.", "a", "a*"], ["That was it."]),
    ]
    session, talk = begun()
    talk.answer(call("a"))
    talk.answer(bot("That was it."))
    talk.user("End the task.")
    talk.finish()
    assert (await sliced(session, replayed=True))[-1] == (
        ["Do it.", "a", "a*", "End the task."],
        ["That was it.", FINAL],
    )


async def test_work_beside_the_end_is_followed_by_the_final_message() -> None:
    session, talk = begun()
    talk.answer(call("a"), ours("end_task", "end"))
    assert await sliced(session, replayed=True) == [(["Do it."], ["a"]), (["Do it.", "a"], [FINAL])]


async def test_a_task_without_work_is_its_final_message() -> None:
    session, talk = begun()
    talk.answer(bot("Hm."), call("a"))
    talk.finish()
    session.calls = session.calls[:1] + session.calls[2:]
    assert (await sliced(session, replayed=True))[-1][1] == [FINAL]


async def test_an_agent_that_stopped_for_the_persons_next_words_goes_on() -> None:
    session, talk = begun()
    talk.answer(bot("Which file?"))
    talk.user("a.txt")
    talk.answer(bot("And how?"))
    talk.user("At once.")
    talk.answer(call("a"))
    talk.answer(bot("Done."))
    talk.user("End it.")
    talk.finish()
    assert await sliced(session, replayed=True) == [
        (["Do it.", "a.txt", "At once."], ["Which file?", "And how?", "a"]),
        (["Do it.", "Which file?", "a.txt", "And how?", "At once.", "a", "a*", "End it."], ["Done.", FINAL]),
    ]


async def test_what_was_said_before_the_recording_began_is_said_again() -> None:
    earlier, talk = begun()
    talk.answer(call("a"), call("b"))
    talk.answer(bot("More?"))
    talk.user("Yes.")
    talk.answer(call("c"))
    talk.answer(bot("And now?"))
    assert earlier.calls
    session = talk.session = Session()
    talk.user("Go on.")
    talk.answer(call("d"))
    talk.finish()
    assert await sliced(session, replayed=True) == [
        (["Do it."], ["a", "b"]),
        (["Do it.", "a", "b", "a*", "b*", "Yes."], ["More?", "c"]),
        (["Do it.", "a", "b", "a*", "b*", "More?", "Yes.", "c", "c*", "Go on."], ["And now?", "d"]),
        (["Do it.", "a", "b", "a*", "b*", "More?", "Yes.", "c", "c*", "And now?", "Go on.", "d", "d*"], [FINAL]),
    ]


async def test_failed_calls_are_left_out_and_what_was_kept_of_a_broken_answer_is_not() -> None:
    session, talk = begun()
    session.record(talk.items, [], "main", status=500)
    talk.answer(call("a"))
    session.record(talk.items, [bot("Half"), call("lost")], "main", error="client disconnected")
    talk.items.append(bot("Half"))
    talk.user("Go on.")
    talk.answer(call("b"))
    Talk(session, "inner", "main").session.record([], [], "inner", "main", status=500)
    talk.finish()
    assert await sliced(session, replayed=True) == [
        (["Do it."], ["a"]),
        (["Do it.", "a", "a*", "Go on."], ["Half", "b"]),
        (["Do it.", "a", "a*", "Half", "Go on.", "b", "b*"], [FINAL]),
    ]


async def test_a_compaction_is_made_again() -> None:
    session, talk = begun()
    talk.answer(call("a"))
    before = list(talk.items)
    talk.user("Sum it up.")
    talk.answer(bot("SUMMARY"))
    talk.items = [*before[:3], before[0] | {"role": "user", "content": "SUMMARY"}]
    talk.answer(call("b"))
    talk.finish()
    assert await sliced(session, replayed=True) == [
        (["Do it."], ["a"]),
        (["Do it.", "a", "a*", "Sum it up."], ["SUMMARY"]),
        (["Do it.", "SUMMARY"], ["b"]),
        (["Do it.", "SUMMARY", "b", "b*"], [FINAL]),
    ]


async def test_scripts_at_the_start_and_the_end() -> None:
    session = Session()
    talk = Talk(session)
    talk.user("Do it.")
    run = "text(await tools.exec_command({}))"
    talk.answer(script(f"await tools.mcp__oneshot__repo_start_task_v1({{}}); {run}", "start"), gave=TASK)
    talk.answer(script(f"{run}; await tools.mcp__oneshot__repo_end_task_v1({{}})", "end"))
    assert await sliced(session, replayed=True) == [
        (["Do it."], ["start"]),
        (["Do it.", "start", "start*"], ["end"]),
        (["Do it.", "start", "start*", "end"], [FINAL]),
    ]

"""Items and records without what does not belong to a task."""

import dataclasses
import json
from typing import Any

from fakes import model_server
from oneshot_proxy import protocols
from oneshot_proxy.exports.slicing import cut
from proxy.exports.builders import record
from proxy.exports.slicing.scenes import (
    ASKED,
    ENVIRONMENT,
    REASONING,
    TASK,
    Session,
    Talk,
    bot,
    call,
    found,
    ours,
    script,
    sliced,
    told,
    user,
)

FINAL = ASKED.final_message


def search(call_id: str) -> dict[str, Any]:
    return {"type": "tool_search_call", "call_id": call_id, "execution": "client", "arguments": {"query": "task"}}


async def test_between_the_start_and_the_end() -> None:
    session = Session()
    talk = Talk(session)
    talk.user("Good morning.")
    talk.answer(bot("Good morning."))
    talk.items.append(user(ENVIRONMENT.format("/repo/2")))
    talk.user("Do it.")
    talk.answer(REASONING, call("look"))
    talk.answer(REASONING, bot("I begin."), ours("start_task", "start"), gave=TASK)
    talk.answer(REASONING, ours("check_readiness", "ready"))
    talk.answer(REASONING, bot("First this."), call("a"), ours("task_status", "status"))
    talk.user("And that.")
    talk.answer(REASONING, call("b"))
    talk.answer(REASONING, bot("Now the end."), ours("end_task", "end"))
    talk.answer(bot("It is ended."))
    begin = ["<environment_context>", "Do it."]
    assert await sliced(session) == [
        (begin, ["reasoning", "First this.", "a"]),
        ([*begin, "reasoning", "First this.", "a", "a*", "And that."], ["reasoning", "b"]),
        (
            [*begin, "reasoning", "First this.", "a", "a*", "And that.", "reasoning", "b", "b*"],
            ["reasoning", "Now the end."],
        ),
    ]


async def test_what_was_done_beside_the_start_and_the_end_in_one_answer_stays() -> None:
    session = Session()
    talk = Talk(session)
    talk.user("Do it.")
    talk.answer(call("before"), ours("start_task", "start"), call("a"), gave=TASK)
    talk.answer(call("b"), ours("end_task", "end"), call("after"))
    assert await sliced(session) == [(["Do it."], ["a"]), (["Do it.", "a", "a*"], ["b"])]


async def test_searches_that_found_our_tools_alone_go() -> None:
    session = Session()
    talk = Talk(session)
    talk.user("Do it.")
    talk.start()

    def find(call_id: str, *names: str) -> None:
        talk.session.record(list(talk.items), [search(call_id)], "main")
        tools = [{"type": "function", "name": name} for name in names]
        talk.items += [search(call_id), {"type": "tool_search_output", "call_id": call_id, "tools": tools}]

    find("ours", "repo_end_task_v1")
    find("both", "repo_end_task_v1", "look")
    find("nothing")
    talk.finish()
    assert await sliced(session) == [
        (["Do it."], ["both"]),
        (["Do it.", "both", "both*"], ["nothing"]),
        (["Do it.", "both", "both*", "nothing", "nothing*"], [FINAL]),
    ]


async def test_scripts_that_do_more_stay() -> None:
    session = Session()
    talk = Talk(session)
    talk.user("Do it.")
    run = "text(await tools.exec_command({}))"
    talk.answer(script(f"await tools.mcp__oneshot__repo_start_task_v1({{}}); {run}", "start"), gave=TASK)
    talk.answer(script("await tools.mcp__oneshot__repo_task_status_v1({})", "status"))
    talk.answer(script(f"{run}; await tools.mcp__oneshot__repo_end_task_v1({{}})", "end"))
    assert await sliced(session) == [(["Do it."], ["start"]), (["Do it.", "start", "start*"], ["end"])]


async def test_after_a_compaction_the_words_are_found_again_and_what_follows_them() -> None:
    session = Session()
    talk = Talk(session)
    talk.user("Before.")
    talk.answer(bot("Yes."))
    talk.user("Do it.")
    talk.start()
    talk.answer(call("a"))
    context = talk.items[:2]
    summary = user("Another language model started to solve this problem: a is done.")
    talk.items = [*context, user("Before."), user("Do it."), summary]
    talk.answer(call("b"))
    talk.items = [*context, summary]
    talk.answer(call("c"))
    talk.finish()
    words = "Another language model started to solve this problem: a is done."
    assert await sliced(session) == [
        (["Do it."], ["a"]),
        (["Do it.", words], ["b"]),
        ([words], ["c"]),
        ([words, "c", "c*"], [FINAL]),
    ]


async def test_a_sub_agents_conversation_is_its_own_and_a_forked_one_is_cut_like_its_parents() -> None:
    session = Session()
    talk = Talk(session)
    talk.user("Do it.")
    talk.answer(call("look"))
    talk.start()
    own, forked = Talk(session, "own", "main"), Talk(session, "forked", "main")
    own.user("Count.")
    own.answer(bot("3"))
    forked.items = [*talk.items, user("Count.")]
    forked.answer(bot("4"))
    talk.finish()
    assert await sliced(session) == [(["Count."], ["3"]), (["Do it.", "Count."], ["4"]), (["Do it."], [FINAL])]


async def test_definitions_of_our_tools_go() -> None:
    session = Session()
    talk = Talk(session)
    ours_alone = {"type": "namespace", "name": "mcp__oneshot", "tools": [{"name": "repo_start_task_v1"}]}
    run = {"type": "function", "name": "exec_command"}
    talk.items.insert(0, {"type": "additional_tools", "role": "developer", "tools": [ours_alone, run]})
    talk.user("Do it.")
    talk.start()
    talk.answer(call("a"), tools=[ours_alone, run])
    body = json.loads(cut.record(session.calls[1], await found(session)).request)
    assert (body["tools"], body["input"][0]["tools"]) == ([run], [run])


async def test_an_answer_keeps_how_it_ended_and_what_it_used() -> None:
    session = Session()
    talk = Talk(session)
    talk.user("Do it.")
    talk.start()
    talk.finish()
    part = await found(session)
    streamed = model_server.items(bot("Now."), ours("end_task", "end"))
    whole = record(2, {"input": talk.items}, [], content_type=streamed.content_type, response=b"".join(streamed.chunks))
    mine = cut.record(whole, part)
    decoded = protocols.decode(mine)
    assert decoded
    assert (told([item.raw for item in decoded.output]), decoded.finish, decoded.response_id) == (
        ["Now."],
        "completed",
        "resp_1",
    )
    assert decoded.usage
    assert decoded.usage.input_tokens == 1000
    broken = cut.record(dataclasses.replace(whole, response=b"".join(streamed.chunks[:-1])), part)
    decoded = protocols.decode(broken)
    assert decoded
    assert (len(decoded.output), decoded.finish) == (1, "")
    other = record(9, {"input": "hi"}, [call("a")])
    assert cut.record(other, part).response == other.response
    assert json.loads(cut.record(other, part).request)["input"] == "hi"
    strange = dataclasses.replace(other, request=b"[]")
    assert cut.record(strange, part) is strange

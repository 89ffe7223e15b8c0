"""A recorded session as a cassette: what is in it, and that it answers as the upstream did."""

import dataclasses
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import model_server
from oneshot_proxy import cassette
from oneshot_proxy.exports.cassette import export
from oneshot_proxy.exports.contract import Losses
from oneshot_proxy.player import Player
from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_proxy.refusal import Refusal
from oneshot_proxy.usage import Usage
from oneshot_proxy.wire import Request
from oneshot_shared.errors import BadInput

SESSION = SessionRecord("run-1", "gpt-5", "openai", 1.0, 0.0, 2.0, 1, 1, Usage(), "", "")
ENVIRONMENT = "<environment_context>\n  <cwd>{}</cwd>\n</environment_context>"


def user(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def output(call_id: str, text: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def exec_call(command: str, call_id: str = "c1") -> dict[str, Any]:
    return {"type": "function_call", "name": "exec", "call_id": call_id, "arguments": json.dumps({"cmd": command})}


def record(items: list[dict[str, Any]], answer: model_server.Answer, seq: int = 1, **fields: Any) -> CallRecord:
    body = {"model": "gpt-5", "input": items, **fields.pop("body", {})}
    values = {"first_byte_seconds": 0.5, "seconds": 2.0, "usage": Usage(), "error": "", "started_at": 1.0} | fields
    request, response = json.dumps(body).encode(), b"".join(answer.chunks)
    return CallRecord(
        session_id="run-1",
        seq=seq,
        request_line="POST /v1/responses",
        request=request,
        status=answer.status,
        content_type=answer.content_type,
        response=response,
        **values,
    )


async def exported(*calls: CallRecord, session: SessionRecord = SESSION, losses: Losses | None = None) -> bytes:
    async def stream() -> AsyncIterator[CallRecord]:
        for call in calls:
            yield call

    return b"".join([piece async for piece in export(session, stream(), losses or Losses())])


async def tape(*calls: CallRecord, session: SessionRecord = SESSION) -> cassette.Cassette:
    return cassette.parse("run-1", await exported(*calls, session=session))


@pytest.mark.parametrize("prompt", ["Count the apples.", [user("Count the apples.")]])
async def test_a_replay_of_one_call_says_that_its_prompt_differs(prompt: object) -> None:
    found = await tape(record([], model_server.say("One."), body={"input": prompt}))
    for other, drifts in ((prompt, 0), ("Count the pears.", 1)):
        request = Request("responses", {"input": other})
        player = Player(found)
        player.next(request.body, request.items)
        assert len(player.drift) == drifts, list(player.drift)
    assert list(player.drift) == ["user message 1 differs: 'Count the pears.', recorded: 'Count the apples.'"]


async def test_a_session_whose_only_call_named_no_model_has_nothing_to_replay() -> None:
    failed = record([], model_server.error(502, "no"), body={"model": None})
    with pytest.raises(
        BadInput, match="session 'run-1' holds no model call that was answered: there is nothing to replay"
    ):
        await exported(failed, session=dataclasses.replace(SESSION, model=""))


async def test_a_conversation_is_found_again_by_what_the_model_said() -> None:
    call = exec_call("ls")
    asked = [user("hi")]
    found = await tape(
        record(asked, model_server.items(call)),
        record([*asked, call, output("c1", "a\nb")], model_server.say("Done."), 2),
    )
    assert [entry.after for entry in found.entries] == [
        cassette.digest([]),
        cassette.digest(cassette.emitted([call])),
    ]
    assert found.entries[0].output == [call]
    assert found.entries[0].usage["input_tokens"] == 1000
    assert found.entries[0].timing == cassette.Timing(first_token=0.5, seconds=2)
    assert [each.of for each in found.entries[1].given] == ["output of c1"]
    assert "a b" in found.entries[1].given[0].text


async def test_errors_are_answered_again_and_refusals_are_not_part_of_it() -> None:
    asked = [user("hi")]
    refusal = {"error": {"message": "no", "type": "invalid_request_error", "code": "oneshot_model_refused"}}
    found = await tape(
        record(asked, model_server.error(429, "slow"), response_headers=(("retry-after", "3"), ("server", "x"))),
        record(asked, model_server.body(refusal, 400), 2),
        record(asked, model_server.Answer([b"<h1>Bad</h1>"], 502, "text/html"), 3),
        record(asked, model_server.say("Done."), 4),
    )
    limited, broken, done = found.entries
    assert (limited.status, limited.headers) == (429, {"retry-after": "3"})
    assert (limited.error or {})["message"] == "slow"
    assert broken.body == cassette.Body(content_type="text/html", text="<h1>Bad</h1>")
    assert done.output[0]["type"] == "message"
    player = Player(found)
    assert [player.next({}, asked).status for _ in range(3)] == [429, 502, 200]


async def test_of_a_cut_stream_what_came_whole_is_kept() -> None:
    whole, half = exec_call("ls"), exec_call("pwd", "c2")
    answer = model_server.items(whole, half)
    answer.chunks = answer.chunks[:-2]  # neither the second item nor the response came to its end
    cut, left, never = (await tape(
        record([user("hi")], answer, error="openai broke off its answer: closed"),
        record([user("hi")], answer, 2, error="Client disconnected."),
        record([user("hi")], model_server.Answer([], 0, ""), 3, error="openai could not be reached: refused"),
    )).entries  # fmt: skip
    assert (cut.output, cut.ends) == ([whole], "cut")
    assert (left.output, left.ends) == ([whole], "left")
    assert (never.status, never.ends) == (0, "cut")


async def test_a_failed_response_keeps_how_it_failed() -> None:
    error = {"code": "server_error", "message": "sorry"}
    failed = model_server.event("response.failed", response={"id": "r", "status": "failed", "error": error})
    (entry,) = (await tape(record([user("hi")], model_server.Answer([failed])))).entries
    assert (entry.response, entry.ends) == ({"status": "failed", "error": error}, "whole")


async def test_a_folder_and_ids_of_tools_are_put_in_terms_of_the_replay() -> None:
    def conversation(cwd: str, number: int) -> list[dict[str, Any]]:
        return [
            user(ENVIRONMENT.format(cwd)),
            exec_call(f"cat {cwd}/a.txt {cwd}"),
            output("c1", f"Process running with session ID {number}"),
            {
                "type": "function_call",
                "name": "stdin",
                "call_id": "c2",
                "arguments": json.dumps({"session_id": number}),
            },
            output("c2", f"{cwd}/a.txt"),
        ]

    recorded, mine = conversation("/tmp/x", 4711), conversation('/home/"you"', 23)
    content = await exported(
        record(recorded[:1], model_server.items(recorded[1])),
        record(recorded[:3], model_server.items(recorded[3]), 2),
        record(recorded, model_server.say("See /tmp/x/a.txt, not /tmp/xy."), 3),
    )
    assert b"cat /tmp/x" not in content
    player = Player(cassette.parse("run-1", content))
    assert player.next({}, mine[:1]).output == [mine[1]]
    assert player.next({}, mine[:3]).output == [mine[3]]
    text = player.next({}, mine).output[0]["content"][0]["text"]
    assert text == 'See /home/"you"/a.txt, not /tmp/xy.'
    assert not player.drift


async def test_parallel_conversations_are_told_apart_by_what_they_were_given() -> None:
    def asked(name: str) -> list[dict[str, Any]]:
        return [user("You work in a team."), user(f"Count {name}.")]

    apples, pears = exec_call("apples"), exec_call("pears", "c2")
    found = await tape(
        record(asked("apples"), model_server.items(apples)),
        record(asked("pears"), model_server.items(pears), 2),
        record([*asked("pears"), pears, output("c2", "2")], model_server.say("Two pears."), 3),
        record([*asked("apples"), apples, output("c1", "1")], model_server.say("One apple."), 4),
    )
    player = Player(found)
    assert player.next({}, asked("pears")).output == [pears]
    assert player.next({}, asked("apples")).output == [apples]
    said = player.next({}, [*asked("apples"), apples, output("c1", "1")]).output[0]["content"][0]["text"]
    assert (said, list(player.drift)) == ("One apple.", [])


async def test_whoever_asks_on_after_a_recorded_limit_is_refused_with_it() -> None:
    stopped = SessionRecord(
        "run-1", "gpt-5", "openai", 1.0, 0.0, 2.0, 1, 1, Usage(), "cost limit 5 USD reached (5.1)", ""
    )
    player = Player(await tape(record([user("hi")], model_server.items(exec_call("ls"))), session=stopped))
    player.next({}, [user("hi")])
    with pytest.raises(Refusal, match=r"^cost limit 5 USD reached \(5.1\)$") as caught:
        player.next({}, [user("hi"), exec_call("ls"), output("c1", "")])
    assert caught.value.code == "oneshot_budget_exceeded"


async def test_another_api_is_refused_with_a_sentence() -> None:
    call = record([user("hi")], model_server.say("Done."), wire_api="chat")
    with pytest.raises(BadInput, match="session 'run-1' spoke the chat API, and cassettes hold the Responses API only"):
        await exported(call)


async def test_an_empty_session_is_refused_with_a_sentence() -> None:
    with pytest.raises(BadInput, match="holds no model call that was answered"):
        await exported()


async def test_a_model_that_another_call_used_is_a_loss() -> None:
    losses = Losses()
    other = record([user("hi")], model_server.say("Done."), 2, body={"model": "gpt-6"})
    await exported(record([user("hi")], model_server.say("Hi.")), other, losses=losses)
    assert "that some answers came from gpt-6" in losses.sentences


async def test_an_answer_that_no_cassette_holds_is_said() -> None:
    with pytest.raises(BadInput, match="no cassette holds the answer of call 1"):
        await exported(record([user("hi")], model_server.items({"type": "message", "content": None})))


async def test_ids_that_the_model_used_are_kept_in_time_linear_in_the_session() -> None:
    """Ten thousand ids in outputs, each looked for in all that was said, would take minutes."""
    uuid = "0ab1c2d3-0000-4000-8000-0123456789ab"
    heard = [output(f"o{n}", f"session_id: {n}") for n in range(10_000, 20_000)]
    heard += [output("mine", "session id 77"), output("uuid", f"thread {uuid}")]
    said = exec_call(json.dumps({"session_id": 77, "thread": uuid, "more": "é " * 200_000}), "c2")
    began = time.monotonic()
    _, entry = (await exported(record([user("hi"), *heard], model_server.items(said)))).splitlines()
    assert time.monotonic() - began < 10
    handles = [each["handles"] for each in json.loads(entry)["given"] if each.get("handles")]
    assert handles == [["77"], [uuid]]


_TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=20)
_ITEM = st.one_of(
    st.builds(lambda text, n: exec_call(text, f"c{n}"), _TEXT, st.integers(0, 99)),
    _TEXT.map(lambda text: model_server.message(text or "x")),
    st.just({"type": "reasoning", "summary": []}),
)


@given(st.lists(st.tuples(st.lists(_ITEM, max_size=3), _TEXT), min_size=1, max_size=5), _TEXT)
async def test_whatever_was_said_is_said_again(turns: list[tuple[list[dict[str, Any]], str]], cwd: str) -> None:
    """Export, parse and play: each answer comes back as it was, and a second export gives the same bytes."""
    items = [user(ENVIRONMENT.format("/" + cwd))]
    calls, requests = [], []
    for seq, (said, heard) in enumerate(turns, 1):
        requests.append(list(items))
        calls.append(record(list(items), model_server.items(*said), seq))
        items += [*said, user(heard)]
    content = await exported(*calls)
    assert content == await exported(*calls)
    player = Player(cassette.parse("run-1", content))
    for request, (said, _) in zip(requests, turns, strict=True):
        assert player.next({}, request).output == said
    assert not player.drift

"""A task's part as a session of its own, in each format."""

import dataclasses
import json

import atif as library
import pytest

from oneshot_proxy import cassette
from oneshot_proxy.exports import atif, rollout
from oneshot_proxy.exports import cassette as tapes
from oneshot_proxy.exports.contract import Exporter, Losses
from oneshot_proxy.exports.slicing import find, work
from oneshot_proxy.usage import Usage
from proxy.exports.builders import SESSION
from proxy.exports.slicing.scenes import ASKED, Session, Talk, bot, call, found, losses, user

WHOLE = dataclasses.replace(SESSION, stopped_by="cost limit", alarms=("a",), usage=Usage(99), drift=("b",))


async def exported(session: Session, export: Exporter) -> tuple[bytes, list[str]]:
    replayed = export is tapes.export
    part, made = await find.find("s", ASKED, aiter(session)), Losses()
    calls = work.work(part, aiter(session), replayed=replayed)
    return b"".join([piece async for piece in export(work.session(WHOLE, part), calls, made)]), made.sentences


def session(cwd: str = "/repo") -> Session:
    made = Session()
    talk = Talk(made, cwd=cwd)
    talk.user("Good morning.")
    talk.answer(bot("Good morning."))
    talk.user("Do it.")
    talk.start()
    talk.answer(call("a", cmd=f"cat {cwd}/a"))
    inner = Talk(made, "inner", "main", cwd)
    inner.user("Count.")
    inner.answer(bot("3"))
    talk.answer(call("b"))
    talk.finish()
    return made


async def test_a_trajectory_holds_the_work_alone_and_sums_it_up() -> None:
    document, _ = await exported(session(), atif.export)
    library.Trajectory.model_validate_json(document)
    made = json.loads(document)
    said = [step["message"].split("\n")[0] for step in made["steps"]]
    assert said == ["Be good.", "<environment_context>", "Do it.", "", "", ASKED.final_message]
    (inner,) = made["subagent_trajectories"]
    assert made["final_metrics"]["total_prompt_tokens"] + inner["final_metrics"]["total_prompt_tokens"] == 28
    about = made["extra"]["session"]
    assert (about["usage"]["input_tokens"], about["calls"], about["calls_succeeded"]) == (28, 4, 4)
    assert not {"stopped_by", "alarms", "drift", "notes"} & (about.keys() | made.keys())


async def test_a_rollout_holds_the_work_alone() -> None:
    document, _ = await exported(session(), rollout.export)
    lines = [json.loads(line) for line in document.splitlines()]
    ids = [line["payload"].get("call_id") for line in lines if line["type"] == "response_item"]
    assert [each for each in ids if each] == ["a", "a", "b", "b"]


async def test_a_cassette_is_that_of_a_conversation_without_our_tools() -> None:
    document, _ = await exported(session(), tapes.export)
    tape = cassette.parse("s", document)
    assert tape.header.stopped_by == ""
    one, inner, two, last = tape.entries
    assert (one.after, inner.after) == (cassette.digest([]), cassette.digest([]))
    said = [*cassette.emitted(one.output), *cassette.emitted(two.output)]
    assert (two.after, last.after) == (cassette.digest(said[:1]), cassette.digest(said))
    assert last.output[0]["content"][0]["text"] == ASKED.final_message


@pytest.mark.parametrize("repository", ["/repo", "/repo/sub", "", "/else"])
async def test_the_place_of_a_cassette_is_the_repositorys_top(repository: str) -> None:
    made = session("/repo/sub")
    asked = dataclasses.replace(ASKED, repository=repository)
    part = await find.find("s", asked, aiter(made))
    calls = work.work(part, aiter(made), replayed=True)
    document = b"".join([piece async for piece in tapes.export(SESSION, calls, Losses())])
    first = cassette.parse("s", document).entries[0].output[0]
    arguments = json.loads(first["arguments"])
    place = arguments["cmd"].removeprefix("cat ").partition("}")[2]
    assert (place, arguments.get("workdir")) == (("/sub/a", "sub") if repository == "/repo" else ("/a", None))


async def test_what_goes_is_said() -> None:
    made = session()
    part = await found(made)
    assert losses(ASKED, part) == [
        f"2 of the session's 6 calls, which are no part of the work on task {ASKED.task_id}",
        "what was said and done before the task was started, but for the person's last words",
        "the calls of OneShot's own tools (end_task, start_task), and what they gave back",
    ]
    made = Session()
    talk = Talk(made)
    talk.items.append(user("Go on."))
    talk.answer(call("a"))
    made.record([], [], "main", status=500)
    asked = dataclasses.replace(ASKED, thread_id="main")
    assert losses(asked, await found(made, asked), replayed=True) == [
        "the task's start: the conversation was recorded from a later moment on, or compacted before it",
        "the task's end: no call in this session ended it",
        "calls that failed, and were made again",
    ]

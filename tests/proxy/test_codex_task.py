"""Real Codex, headless, works from a cassette of a task that real Codex worked on with OneShot's tools at hand."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from fakes.model_server import Answer, ModelServer, Seen, items, message, say
from oneshot.proxy.v1 import proxy_pb2 as pb
from proxy.exports import tasks
from proxy.exports.sessions import tool
from proxy.exports.tasks import SURFACES, TASK, ours, script, shell
from proxy.harness import Proxy

FINAL = "Two files are written."


async def replayed(
    proxy: Proxy, folder: Path, model: str, session_id: str = "run-1"
) -> tuple[dict[str, str], pb.Session]:
    """The files that a headless Codex leaves which is told the task alone, and its session; the cassette names no tool of ours."""
    tape, _ = await tasks.export(
        proxy,
        pb.TRACE_FORMAT_CASSETTE,
        session_id,
        task_id=TASK,
        repository=str(folder / "mine" / "repository"),
        final_message=FINAL,
    )
    for word in (str(folder), "repo_start", "repo_end", "repo_task"):
        assert word.encode() not in tape
    theirs = folder / "theirs"
    tasks.begin(theirs, proxy)
    token = await proxy.open("replay", model=model, cassette=tape)
    code, said = await tasks.codex(theirs, token, model, "Write the files.")
    session = await proxy.close("replay")
    assert code == 0, said
    assert FINAL in said
    assert (session.stopped_by, session.upstream_failure) == ("", "")
    where = theirs / "repository"
    return {str(file.relative_to(where)): file.read_text() for file in where.glob("**/*.txt")}, session


async def recorded(
    proxy: Proxy,
    folder: Path,
    model: str,
    answers: Sequence[Answer],
    *words: str,
    session_id: str = "run-1",
    below: str = "",
) -> None:
    """Codex works with our tools at hand."""
    if not (folder / "mine").exists():
        tasks.begin(folder / "mine", proxy, TASK)
    async with ModelServer(answers) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open(session_id, model=model)
        code, said = await tasks.codex(folder / "mine", token, model, *words, below=below)
        assert len(upstream.requests) == len(answers), said
    assert code == 0, said
    await proxy.close(session_id)


@pytest.mark.parametrize("below", ["", "sub"])
@pytest.mark.parametrize("surface", SURFACES)
async def test_the_same_files_are_made(proxy: Proxy, tmp_path: Path, surface: str, below: str) -> None:
    model = SURFACES[surface]
    answers = tasks.work(surface, tmp_path / "mine" / "repository")
    await recorded(proxy, tmp_path, model, answers, "Start the task Greet, and end it.", below=below)
    made, session = await replayed(proxy, tmp_path, model)
    within = f"{below}/" if below else ""
    assert made == {"one.txt": "one", f"{within}two.txt": "two", f"{within}three.txt": "3\n"}
    assert session.calls == 3
    prompt = "user message 2 differs: 'Write the files.', recorded: 'Start the task Greet, and end it.'"
    assert prompt in session.drift
    told = [words for words in session.drift if words.startswith(("output of", "user message 1"))]
    assert not [words for words in told if not below or "A three.txt" not in words]  # a patch's path was moved


@pytest.mark.parametrize("surface", SURFACES)
async def test_a_conversation_that_was_resumed_and_talked_over_is_worked_off_in_one_go(
    proxy: Proxy, tmp_path: Path, surface: str
) -> None:
    model = SURFACES[surface]
    first = [
        *tasks.search(surface, "s1"),
        items(ours(surface, "start_task", "start")),
        items(shell(surface, "printf one > one.txt", "one")),
        say("And the second?"),
    ]
    second = [
        items(message("I see."), shell(surface, "cat one.txt > two.txt", "two")),
        items(ours(surface, "end_task", "end1")),
        items(ours(surface, "end_task", "end2")),
        say("It is ended."),
    ]
    await recorded(proxy, tmp_path, model, first, "Start.")
    await recorded(proxy, tmp_path, model, second, "resume", "--last", "Copy it.", session_id="run-2")
    made, session = await replayed(proxy, tmp_path, model, "run-2")
    assert made == {"one.txt": "one", "two.txt": "one"}
    assert session.calls == 3
    assert "user message 3 is missing; recorded: 'Copy it.'" in session.drift


async def test_a_script_that_does_more_than_call_our_tools_is_run(proxy: Proxy, tmp_path: Path) -> None:
    start = 'const made = await tools.mcp__oneshot__repo_start_task_v1({title: "Greet"})\ntext(made.content[0].text)\n'
    end = 'const saved = await tools.mcp__oneshot__repo_end_task_v1({summary: "Two."})\ntext(saved.content[0].text)\n'
    one, two = ('await tools.exec_command({cmd: "printf %s > %s.txt"})\n' % (name, name) for name in ("one", "two"))  # noqa: UP031
    answers = [
        items(script(start + one, "a")),
        items(script(two + end, "b")),
        items(ours("code", "end_task", "c")),
        say("It is."),
    ]
    await recorded(proxy, tmp_path, SURFACES["code"], answers, "Start.")
    made, _ = await replayed(proxy, tmp_path, SURFACES["code"])
    assert made == {"one.txt": "one", "two.txt": "two"}


async def test_a_sub_agent_works_again(proxy: Proxy, tmp_path: Path) -> None:
    space = {"namespace": "multi_agent_v1"}

    def answer(seen: Seen) -> Answer:
        said = seen.json["input"]
        text = json.dumps(said)
        calls = {item["call_id"]: item.get("output", "") for item in said if "call_id" in item}
        if "SUBTASK" in text and "spawn" not in calls:
            return items(shell("plain", "printf two > two.txt", "inner")) if "inner" not in calls else say("I did it.")
        if "start" not in calls:
            return items(ours("plain", "start_task", "start"))
        if "spawn" not in calls:
            return items(tool("spawn_agent", {"message": "SUBTASK: write two"}, "spawn", **space))
        if "wait" not in calls:
            targets = [json.loads(calls["spawn"])["agent_id"]]
            return items(tool("wait_agent", {"targets": targets, "timeout_ms": 10000}, "wait", **space))
        return say("It is.") if "end" in calls else items(ours("plain", "end_task", "end"))

    tasks.begin(tmp_path / "mine", proxy, TASK)
    async with ModelServer(answer) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open(model="mock")
        code, said = await tasks.codex(tmp_path / "mine", token, "mock", "Start.")
    assert code == 0, said
    await proxy.close()
    made, session = await replayed(proxy, tmp_path, "mock")
    assert (made, session.calls) == ({"two.txt": "two"}, 5)

"""The real Codex, recorded live against a scripted upstream with a key, then run again from the record without one."""

import json
from pathlib import Path
from typing import Any

import pytest

from fakes.model_server import Answer, ModelServer, Seen, call, error, items, say
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2
from oneshot_shared.errors import BadInput
from orchestrator import harness
from orchestrator.harness import FAIL, MODEL, PASS, Stack

pytestmark = [*harness.LIVE, pytest.mark.timeout(300)]
PATCH = "*** Begin Patch\n*** Update File: {cwd}/README.md\n@@\n Run the tests with `pytest`.\n+\n+hello world\n*** End Patch\n"


def cwd(seen: Seen) -> str:
    text = json.dumps(seen.json["input"])
    return text.partition("<cwd>")[2].partition("</cwd>")[0]


def number_of_session(seen: Seen) -> int:
    return int(json.dumps(seen.json["input"]).rpartition("session ID ")[2].partition("\\n")[0])


def script(seen: Seen) -> Answer:
    """A model that names its folder, has a command run in the background and asks for its end, and solves the task."""
    done = sum(str(item.get("type")).endswith("_output") for item in seen.json["input"])
    if done == 0:
        return call(
            "exec_command", {"cmd": f"cat {cwd(seen)}/README.md; date +%N", "workdir": cwd(seen)}, "call_1", delay=0.4
        )
    if done == 1:
        return call("exec_command", {"cmd": "echo begun; sleep 3; echo ended", "yield_time_ms": 500}, "call_2")
    if done == 2:
        arguments = {"session_id": number_of_session(seen), "chars": "", "yield_time_ms": 10_000}
        return call("write_stdin", arguments, "call_3")
    if done == 3:
        patch = {
            "type": "custom_tool_call",
            "id": "ctc_4",
            "call_id": "call_4",
            "name": "apply_patch",
            "status": "completed",
        }
        return items(patch | {"input": PATCH.format(cwd=cwd(seen))})
    return say(f"{cwd(seen)}/README.md says hello.")


async def recorded(stack: Stack, task: Path, **more: Any) -> pb.Run:
    async with ModelServer(script) as upstream:
        await stack.keys(upstream.base_url)
        return await stack.codex(task, provider="openai", **more)


async def without_key(stack: Stack) -> None:
    await stack.proxy.PutKeys(proxy_pb2.PutKeysRequest(variables={"OPENAI_API_KEY": "", "OPENAI_BASE_URL": ""}))


async def replayed(stack: Stack, task: Path, backend: str = "local", **more: Any) -> pb.Run:
    run = await stack.submit(task, "codex", backend, run_id="again", replay_run="run-1", **more)
    return await stack.end(run.run_id)


async def test_a_recorded_run_runs_again_without_a_key(stack: Stack, hello: Path) -> None:
    first = await recorded(stack, hello)
    assert first.grade.verdict == PASS, first
    await without_key(stack)
    again = await replayed(stack, hello)
    assert (again.grade.verdict, again.replayed, again.request.model) == (PASS, "run-1", MODEL), again
    assert stack.file("artifacts/diff.patch", "again") == stack.file("artifacts/diff.patch")
    assert (again.usage.input_tokens, again.usage.cost_usd) == (first.usage.input_tokens, 0)
    assert len(again.drift) == 1, list(again.drift)
    (sentence,) = again.drift  # the nanoseconds
    assert sentence.startswith("output of call_1 differs")
    assert json.loads(stack.file("run.json", "again"))["drift"] == [sentence]
    assert "- Replayed from run `run-1`: no model was called" in stack.file("scoring_results.md", "again")
    session = json.loads(stack.file("trace/session.json", "again"))
    assert session["upstream"] == "replay:run-1"
    assert stack.file("trace/calls.jsonl", "again").count("oneshot_replay_diverged") == 0
    paced = await replayed_at_pace(stack, hello)
    assert paced.grade.verdict == PASS


async def replayed_at_pace(stack: Stack, hello: Path) -> pb.Run:
    run = await stack.submit(hello, "codex", run_id="paced", replay_run="run-1", recorded_timing=True)
    ended = await stack.end(run.run_id)
    calls = [json.loads(line) for line in stack.file("trace/calls.jsonl", "paced").splitlines()]
    assert calls[0]["first_byte_seconds"] >= 0.4
    assert json.loads(stack.file("trace/calls.jsonl", "again").splitlines()[0])["first_byte_seconds"] < 0.4
    return ended


@pytest.mark.docker
async def test_a_run_recorded_here_runs_again_in_a_container(stack: Stack, hello: Path) -> None:
    await recorded(stack, hello)
    again = await replayed(stack, hello, "docker")
    assert again.grade.verdict == PASS, again
    assert stack.file("artifacts/diff.patch", "again") == stack.file("artifacts/diff.patch")


async def test_a_limit_that_stopped_the_run_stops_its_replay(stack: Stack, hello: Path) -> None:
    first = await recorded(stack, hello, limits={"cost_usd": 0.002})
    assert first.stopped_by.startswith("cost limit 0.002 USD reached")
    again = await replayed(stack, hello)
    assert (again.stopped_by, again.grade.verdict) == (first.stopped_by, first.grade.verdict)
    assert again.grade.verdict == FAIL


async def test_what_the_upstream_refused_is_refused_again(stack: Stack, hello: Path) -> None:
    waited = [error(429, "slow down", "rate_limit_exceeded", headers={"retry-after": "1"}), error(500, "oops")]
    broken = call("exec_command", {"cmd": "true"}, "call_0")
    broken.chunks, broken.cut = broken.chunks[:2], True

    def answer(seen: Seen) -> Answer:
        return waited.pop(0) if waited else cut.pop(0) if cut else script(seen)

    cut = [broken]
    async with ModelServer(answer) as upstream:
        await stack.keys(upstream.base_url)
        first = await stack.codex(hello, provider="openai")
    assert first.grade.verdict == PASS, first
    again = await replayed(stack, hello)
    assert again.grade.verdict == PASS, again

    def statuses(run_id: str) -> list[int]:
        return [json.loads(line)["status"] for line in stack.file("trace/calls.jsonl", run_id).splitlines()]

    assert statuses("again") == statuses("run-1")
    assert statuses("again")[:4] == [429, 500, 200, 200]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (
            {"replay_run": "nowhere"},
            "this stack has no record of the model calls of run 'nowhere'; `oneshot trace list`",
        ),
        ({"replay_run": "a", "replay": "hello-world", "model": MODEL}, "from cassette 'hello-world' and from run 'a'"),
        ({"recorded_timing": True, "model": MODEL}, "only a replay has a recorded pace"),
        ({"replay_run": "nowhere", "model": MODEL}, "trace store has no session 'nowhere' to replay"),
    ],
)
async def test_what_cannot_be_replayed_is_said(stack: Stack, hello: Path, wish: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        await stack.submit(hello, "codex", **wish)

"""Budgets and alarms of a run, with the real Codex against a scripted upstream."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from fakes.model_server import USAGE, Answer, ModelServer, error, items, say
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot_orchestrator.agents import codex
from oneshot_orchestrator.contract import Done, Work
from orchestrator import harness
from orchestrator.agents.test_codex import command
from orchestrator.harness import FAIL, INFRA, INVALID, PASS, SOLVE, Stack

pytestmark = harness.LIVE
OPENAI = {"provider": "openai"}
OWN_CALL = """
import os, re, urllib.request
env = dict(v.split("=", 1) for v in open(f"/proc/{os.getppid()}/environ").read().split(chr(0)) if "=" in v)
while "ONESHOT_RUN_KEY" not in env:
    raise SystemExit("no token")
url = re.search('base_url = "(.*)"', open(env["CODEX_HOME"] + "/config.toml").read())[1] + "/responses"
body = b'{"model": "gpt-5.5", "input": "mine", "stream": true}'
head = {"authorization": "Bearer " + env["ONESHOT_RUN_KEY"], "content-type": "application/json"}
print(len(urllib.request.urlopen(urllib.request.Request(url, body, head)).read()))
"""


def using(input_tokens: int, output_tokens: int) -> dict[str, Any]:
    """A usage object of the Responses API."""
    counts = {
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "total_tokens": input_tokens + output_tokens,
    }
    return USAGE | counts


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When Codex had ended, as Unix times."""
    seen, work = list[float](), codex.Codex.work

    async def timed(self: codex.Codex, given: Work) -> Done:
        done = await work(self, given)
        seen.append(time.time())
        return done

    monkeypatch.setattr(codex.Codex, "work", timed)
    return seen


async def test_over_budget_codex_stops_within_a_second_of_the_answer(
    stack: Stack, hello: Path, backend: str, exits: list[float]
) -> None:
    outputs = harness.cassette()
    usages = [using(20_000, 500), using(30_000, 734)]  # 51,234 in all
    answers = [items(*output, usage=usage) for output, usage in zip(outputs, usages, strict=False)]
    async with ModelServer(answers) as server:
        await stack.keys(server.base_url)
        run = await stack.codex(hello, backend, limits={"tokens": 50_000}, **OPENAI)
        assert len(server.requests) == 2
    assert run.stopped_by == "token limit 50000 reached (51234)"
    assert json.loads(stack.file("evaluation_results.json"))["stopped_by"] == run.stopped_by
    assert f"- {run.stopped_by}" in stack.file("scoring_results.md")
    last = json.loads(stack.file("trace/calls.jsonl").splitlines()[-1])
    assert (last["status"], last["error"]) == (400, run.stopped_by)
    (ended,) = exits
    took = ended - (last["started_at"] + last["seconds"])
    print(f"{backend}: Codex had ended {took:.3f} s after the answer")
    assert took < 1
    assert list(run.alarms) == []


async def test_at_the_request_limit_codex_stops(stack: Stack, hello: Path) -> None:
    async with ModelServer(harness.answers()) as server:
        await stack.keys(server.base_url)
        run = await stack.codex(hello, limits={"requests": 1}, **OPENAI)
        assert len(server.requests) == 1
    assert (run.stopped_by, run.grade.verdict) == ("request limit 1 reached (1)", FAIL)
    assert run.request.limits.requests == 1


async def test_an_unknown_price_is_said_in_the_result(stack: Stack, hello: Path) -> None:
    async with ModelServer(harness.answers()) as server:
        await stack.keys(server.base_url)
        run = await stack.run(hello, "codex", model="house-model", **OPENAI)
    assert (run.usage.input_tokens, run.usage.HasField("cost_usd")) == (4000, False)
    assert list(run.notes) == ["the price of house-model is not known: no cost, and no cost limit"]
    assert run.notes[0] in stack.file("scoring_results.md")


async def test_after_failed_and_repeated_calls_codexs_count_is_the_proxys(stack: Stack, hello: Path) -> None:
    first, *rest = harness.answers()
    broken = Answer(say("half").chunks[:2], cut=True)
    async with ModelServer([first, error(500, "no"), broken, *rest]) as server:
        await stack.keys(server.base_url)
        run = await stack.codex(hello, **OPENAI)
        assert len(server.requests) == 6
    assert (run.grade.verdict, list(run.alarms)) == (PASS, [])
    assert run.usage.input_tokens == 4 * USAGE["input_tokens"]
    assert json.loads(stack.file("logs/agent.jsonl").splitlines()[-1])["usage"]["input_tokens"] == 4000


@pytest.mark.parametrize(("solve", "verdict"), [(SOLVE, INVALID), ("true", FAIL)])
async def test_calls_beside_the_agents_own_spoil_a_pass_and_save_no_fail(
    stack: Stack, hello: Path, monkeypatch: pytest.MonkeyPatch, solve: str, verdict: int, tmp_path: Path
) -> None:
    """A command reads the run token from Codex's environment, which it can, and asks the model by itself."""

    async def unsandboxed(*_: object) -> list[str]:
        return ["--dangerously-bypass-approvals-and-sandbox"]

    monkeypatch.setattr(codex, "_sandbox_mode", unsandboxed)
    script = tmp_path / "own.py"
    script.write_text(OWN_CALL)
    wanted = command(f"{solve}; exec python3 {script}", "own")
    async with ModelServer([items(wanted), say("mine"), say("Done.")]) as server:
        await stack.keys(server.base_url)
        run = await stack.codex(hello, **OPENAI)
        assert len(server.requests) == 3
    said = "the agent says that it used 2000 input tokens (recorded: 3000) and 100 output tokens (recorded: 150)"
    assert [alarm.partition(" and 800 cached")[0] for alarm in run.alarms] == [said]
    assert run.grade.verdict == verdict, run.grade
    assert run.grade.blame == (INFRA if verdict == INVALID else 0)
    assert (said in run.grade.reason) == (verdict == INVALID)
    told = [event.detail for event in stack.events["run-1"] if event.detail.startswith("alarm: ")]
    assert told == [f"alarm: {alarm}" for alarm in run.alarms]
    assert json.loads(stack.file("run.json"))["alarms"] == list(run.alarms)


async def test_an_agent_that_waits_for_a_failing_upstream_is_excused(stack: Stack, hello: Path) -> None:
    first = harness.answers()[0]
    async with ModelServer(lambda seen: first if len(server.requests) == 1 else error(429, "slow down")) as server:
        await stack.keys(server.base_url)
        run = await stack.codex(hello, **OPENAI)
    assert (run.grade.verdict, run.grade.blame, run.state) == (INVALID, INFRA, pb.RUN_STATE_FINISHED)
    assert "openai answered 429: error: slow down" in run.grade.reason

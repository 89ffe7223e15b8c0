"""The real Codex's sessions as ATIF."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import atif
import pytest

from oneshot_proxy.exports.atif import agent_of
from oneshot_proxy.records import CallRecord
from oneshot_proxy.usage import Usage
from proxy.exports import sessions
from proxy.exports.builders import exported, record
from proxy.exports.sessions import Recorded


def outline(document: dict[str, Any]) -> list[tuple[str, ...]]:
    """Source and first words of each step, an agent's tool calls, and the last line that each gave back."""
    return [
        (
            step["source"],
            step["message"].split("\n")[0][:24],
            *(call["tool_call_id"] for call in step.get("tool_calls", ())),
            *(result["content"].strip().split("\n")[-1] for result in step.get("observation", {}).get("results", ())),
        )
        for step in document["steps"]
    ]


BEGIN = [
    ("system", "You are Codex, a coding "),
    ("system", "<skills_instructions>"),
    ("user", "<environment_context>"),
    ("user", "Write out.txt."),
]


@pytest.mark.parametrize("scene", sessions.SCENES)
async def test_the_library_takes_every_session(scene: Callable[[], Awaitable[Recorded]]) -> None:
    document, losses = await (await scene()).atif()
    assert atif.Trajectory.model_validate(document).schema_version == "ATIF-v1.8"
    assert document["extra"]["not_carried"] == losses
    assert [step["step_id"] for step in document["steps"]] == list(range(1, len(document["steps"]) + 1))
    times = [step["timestamp"] for step in document["steps"]]
    assert times == sorted(times)


def whole(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A document and those inside of it."""
    yield document
    for inner in document.get("subagent_trajectories", ()):
        yield from whole(inner)


def summed(document: dict[str, Any]) -> list[float]:
    """What the totals say; they are checked against the steps and the failed calls."""
    names = ("prompt_tokens", "completion_tokens", "cached_tokens", "cost_usd")
    totals = [0.0] * 4
    for each in whole(document):
        steps = each["steps"]
        failed = [call for part in (each, *steps) for call in part.get("extra", {}).get("failed_calls", ())]
        for place, name in enumerate(names):
            parts = [part["metrics"].get(name, 0.0) for part in (*steps, *failed) if "metrics" in part]
            total = each["final_metrics"].get(f"total_{name}", 0.0)
            assert total == pytest.approx(sum(parts))
            totals[place] += total
    return totals


@pytest.mark.parametrize("scene", sessions.SCENES)
async def test_totals_are_the_sessions(scene: Callable[[], Awaitable[Recorded]]) -> None:
    recorded = await scene()
    document, _ = await recorded.atif()
    used = recorded.session.usage
    wanted = (used.input_tokens, used.output_tokens, used.cached_tokens, used.cost_usd or 0.0)
    assert summed(document) == pytest.approx(wanted)


async def test_what_a_failed_call_used_and_cost_is_in_the_totals() -> None:
    used = Usage(10, 4, 5, 2, 0.25, 3)
    asked = {"input": "a"}
    failed = record(1, asked, [], error="the answer broke off", usage=used)
    document, _ = await exported([failed, record(2, asked, [], usage=used)])
    assert summed(document) == [20, 10, 8, 0.5]
    (call,) = document["steps"][-1]["extra"]["failed_calls"]
    assert call["metrics"]["extra"] == {"reasoning_tokens": 2, "cache_write_tokens": 3}
    assert document["final_metrics"]["extra"] == {"reasoning_tokens": 4, "cache_write_tokens": 6}
    unknown, _ = await exported([failed, record(2, asked, [], usage=used.costing(None))])
    assert "total_cost_usd" not in unknown["final_metrics"]


async def test_a_plain_session() -> None:
    recorded = await sessions.plain()
    document, losses = await recorded.atif()
    assert outline(document) == [
        *BEGIN,
        ("agent", "", "call_1", "seen"),
        ("agent", "", "call_2", "Output:"),
        ("agent", "Written."),
    ]
    look = document["steps"][4]
    assert look["reasoning_content"] == "I look first."
    assert look["tool_calls"][0] == {
        "tool_call_id": "call_1",
        "function_name": "exec_command",
        "arguments": {"cmd": "echo seen; exit 3"},
        "extra": {"type": "function_call"},
    }
    assert look["observation"]["results"][0]["source_call_id"] == "call_1"
    assert (look["model_name"], look["reasoning_effort"], look["llm_call_count"]) == ("gpt-5.5", "medium", 1)
    metrics = look["metrics"]
    assert (metrics["prompt_tokens"], metrics["cached_tokens"], metrics["completion_tokens"]) == (1000, 400, 50)
    assert (metrics["extra"]["reasoning_tokens"], metrics["cost_usd"]) == (20, recorded.calls[0].usage.cost_usd)
    call = look["extra"]["call"]
    assert (call["seq"], call["status"], call["finish"], call["response_id"]) == (1, 200, "completed", "resp_1")
    final = document["final_metrics"]
    assert (final["total_prompt_tokens"], final["total_completion_tokens"], final["total_steps"]) == (3000, 150, 7)
    assert final["total_cost_usd"] == pytest.approx(recorded.session.usage.cost_usd)
    tools = document["agent"]["tool_definitions"]
    assert tools[0]["name"] == "exec_command"
    assert "parameters" in tools[0]
    assert "the encrypted reasoning in its answers" in losses
    assert "notes" not in document


async def test_a_sub_agents_conversation_is_inside_of_its_parents() -> None:
    document, _ = await (await sessions.subagent()).atif()
    (inner,) = document["subagent_trajectories"]
    (result,) = document["steps"][4]["observation"]["results"]
    assert result["subagent_trajectory_ref"] == [{"trajectory_id": inner["trajectory_id"]}]
    assert inner["trajectory_id"] in result["content"]
    assert outline(inner)[-2:] == [("user", "SUBTASK: count files"), ("agent", "I counted 3 files.")]
    assert inner["agent"]["extra"]["kind"]
    assert [step["message"] for step in document["steps"]][-1] == "All done."
    assert "I counted 3 files." not in [step["message"] for step in document["steps"]]
    assert document["final_metrics"]["total_prompt_tokens"] == 3000
    assert inner["final_metrics"]["total_prompt_tokens"] == 1000


async def test_a_compacted_history_loses_and_repeats_nothing() -> None:
    document, _ = await (await sessions.compacted()).atif()
    assert outline(document) == [
        *BEGIN,
        ("agent", "", "call_1", "1"),
        ("agent", "", "call_2", "2"),
        ("user", "You are performing a CON"),
        ("agent", "SUMMARY: two numbers wer"),
        ("user", "Another language model s"),
        ("agent", "", "call_3", "3"),
        ("agent", "All done."),
    ]
    extras = [step.get("extra", {}) for step in document["steps"]]
    assert [extra.get("context_replaced") for extra in extras] == [None] * 9 + [True, None]
    assert [extra.get("request_kind") for extra in extras] == [None] * 7 + ["compaction"] + [None] * 3


async def test_repetitions_are_named_and_not_repeated() -> None:
    recorded = await sessions.repeated()
    assert [call.status for call in recorded.calls] == [500, 200, 200, 200, 200]
    document, _ = await recorded.atif()
    assert outline(document) == [
        *BEGIN,
        ("agent", "", "call_1", "seen"),
        ("agent", "Half an ans"),  # Codex keeps what was whole, and asks on from there
        ("agent", "", "call_2", "Output:"),
        ("agent", "Written."),
    ]
    (failed,) = document["steps"][4]["extra"]["failed_calls"]
    assert (failed["seq"], failed["status"]) == (1, 500)
    assert "the server is tired" in failed["error"]
    assert "broke off" in document["steps"][5]["extra"]["call"]["error"]
    assert "notes" not in document, "every call was made good"


async def test_an_answer_that_broke_off_is_the_last_step() -> None:
    document, _ = await (await sessions.cut()).atif()
    assert outline(document)[-1] == ("agent", "Half an answer")
    assert "broke off" in document["steps"][-1]["extra"]["call"]["error"]
    assert "metrics" not in document["steps"][-1]


async def test_a_refused_call_and_what_stopped_the_session_are_named() -> None:
    document, _ = await (await sessions.stopped()).atif()
    assert outline(document)[-1] == ("agent", "", "call_1", "seen"), "what the refused call brought is kept"
    (failed,) = document["extra"]["failed_calls"]
    assert (failed["seq"], failed["status"], failed["error"]) == (2, 400, "token limit 1000 reached (1050)")
    assert document["extra"]["session"]["stopped_by"] == "token limit 1000 reached (1050)"
    assert document["notes"].splitlines() == [
        "Stopped: token limit 1000 reached (1050).",
        "Call 2 was not answered: token limit 1000 reached (1050)",
    ]


async def test_a_session_without_model_calls_is_a_trajectory_too() -> None:
    other = record(1, {}, [], request_line="GET /v1/models")
    document, losses = await exported([other])
    assert [step["message"] for step in document["steps"]] == ["no model call was recorded in this session"]
    assert losses == ["its 1 call to no model API"]
    assert atif.Trajectory.model_validate(document)


async def test_losses_are_only_what_is_lost() -> None:
    picture = {"type": "input_image", "image_url": "data:image/png;base64,AA=="}
    said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "See"}, picture]}
    document, losses = await exported([record(1, {"input": [said]}, [])])
    assert document["steps"][0]["message"] == "See[image]"
    assert losses == ["the images, sounds and files in its messages"]
    plain, losses = await exported([record(1, {"input": "hi"}, [], request_headers=(("user-agent", "x/1"),))])
    assert plain["agent"]["name"] == "x"
    assert losses == []


@pytest.mark.parametrize(
    ("header", "name", "version"),
    [
        ("codex_exec/0.163.0 (Debian 12; x86_64) unknown (codex_exec; 0.163.0)", "codex", "0.163.0"),
        ("claude-cli/2.1.0 (external, cli)", "claude-code", "2.1.0"),
        ("python-requests/2.32", "python-requests", "2.32"),
        ("curl", "curl", "unknown"),
        ("", "unknown", "unknown"),
    ],
)
def test_the_agent_by_its_own_words(header: str, name: str, version: str) -> None:
    found = agent_of(record(1, {}, [], request_headers=(("user-agent", header),)))
    assert (found["name"], found["version"]) == (name, version)


async def test_conversations_that_nothing_names_are_told_apart_by_what_they_say() -> None:
    answer = [sessions.message("ok")]
    first = {"input": [{"role": "user", "content": "one"}]}
    second = {"input": [{"role": "user", "content": "two"}]}
    goes_on = {"input": [*first["input"], *answer, {"role": "user", "content": "more"}]}
    calls = [record(1, first, answer), record(2, second, answer), record(3, goes_on, answer)]
    document, _ = await exported(calls)
    assert [step["message"] for step in document["steps"]] == ["one", "ok", "more", "ok"]
    (other,) = document["subagent_trajectories"]
    assert [step["message"] for step in other["steps"]] == ["two", "ok"]
    assert "subagent_trajectory_ref" not in str(document)


def asked(seq: int, text: str, thread: str, parent: str = "") -> CallRecord:
    """A call of a thread that the agent names."""
    headers = (("thread-id", thread), ("x-codex-parent-thread-id", parent))
    return record(
        seq, {"input": [{"role": "user", "content": text}]}, [sessions.message("ok")], request_headers=headers
    )


async def test_the_trajectory_is_the_longest_conversation_not_the_first() -> None:
    look = {"type": "function_call", "name": "look", "call_id": "c1", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c1", "output": "in conversation-1 nothing is claimed"}
    work = {"input": [{"role": "user", "content": "work"}]}
    on = {"input": [*work["input"], look, result]}
    title = record(1, {"input": [{"role": "user", "content": "a title"}]}, [sessions.message("Title")])
    calls = [title, record(2, work, [look]), record(3, on, [sessions.message("ok")])]
    document, _ = await exported(calls)
    assert [step["message"] for step in document["steps"]] == ["work", "", "ok"]
    (other,) = document["subagent_trajectories"]
    assert [step["message"] for step in other["steps"]] == ["a title", "Title"]
    assert "subagent_trajectory_ref" not in str(document)


async def test_parents_in_circles_and_long_lines_of_them() -> None:
    document, _ = await exported([asked(1, "a", "a", "b"), asked(2, "b", "b", "a")])
    assert len(list(whole(document))) == 2
    line = [asked(seq, "x", str(seq), str(seq - 1)) for seq in range(1, 151)]
    document, _ = await exported(line)
    assert len(list(whole(document))) == 150

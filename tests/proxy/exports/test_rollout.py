"""Rollouts against those that Codex itself wrote of the same sessions."""

import json
from collections import Counter
from typing import Any

from oneshot_proxy.exports import rollout
from proxy.exports import sessions
from proxy.exports.builders import pieces, record

# what Codex adds for itself, and what its own log alone can know
_OWN = ("internal_chat_message_metadata_passthrough", "id", "status")


def said(lines: list[dict[str, Any]], kind: str) -> list[Any]:
    """The payloads of one type, without what is Codex's alone."""
    found = [line["payload"] for line in lines if line["type"] == kind]
    return [
        {key: value for key, value in payload.items() if key not in _OWN and value is not None} for payload in found
    ]


def plain(items: list[Any]) -> list[Any]:
    """Parts without the empty lists that only the wire has."""
    return [
        item | {"content": [{"type": part["type"], "text": part["text"]} for part in item["content"]]}
        if "content" in item
        else item
        for item in items
    ]


async def test_it_says_what_codex_wrote() -> None:
    recorded = await sessions.plain()
    (theirs,) = recorded.rollouts
    mine, losses = await recorded.rollout()
    assert [line["ordinal"] for line in mine] == list(range(len(mine)))
    assert plain(said(mine, "response_item")) == plain(said(theirs, "response_item"))
    (meta,), (wanted,) = said(mine, "session_meta"), said(theirs, "session_meta")
    begins = [
        each["base_instructions"]["text"][:5000] for each in (meta, wanted)
    ]  # Codex sends a line less than it logs
    assert begins[0] == begins[1]
    same = ("session_id", "source", "thread_source", "cwd")
    assert {key: meta[key] for key in same} == {key: wanted[key] for key in same}
    for ours, original in zip(said(mine, "token_usage_record"), said(theirs, "token_usage_record"), strict=True):
        for name in ("usage", "turn_token_usage", "thread_token_usage"):
            ours[name].setdefault("cache_write_input_tokens", 0)
            assert ours[name] == original[name]
        assert (ours["response_id"], ours["turn_id"]) == (original["response_id"], original["turn_id"])
    (context,) = said(mine, "turn_context")
    assert (context["model"], context["effort"]) == ("gpt-5.5", "medium")
    kinds = Counter(line["payload"]["type"] for line in mine if line["type"] == "event_msg")
    assert kinds == {"task_started": 1, "token_count": 3}
    assert losses == []


async def test_a_sub_agents_log_follows_its_parents() -> None:
    recorded = await sessions.subagent()
    mine, losses = await recorded.rollout()
    parent, child = said(mine, "session_meta")
    assert (
        child["source"]["subagent"]["thread_spawn"]["parent_thread_id"] == said(mine, "session_meta")[0]["session_id"]
    )
    assert (parent["thread_source"], child["thread_source"]) == ("user", "subagent")
    begins = [index for index, line in enumerate(mine) if line["type"] == "session_meta"]
    assert "I counted 3 files." in str(mine[begins[1] :])
    assert "SUBTASK: count files" not in str([line for line in mine[: begins[1]] if line["payload"].get("role")])
    assert [len(log) > 0 for log in recorded.rollouts] == [True, True]
    assert "that its 2 conversations went on side by side: they follow one another" in losses


async def test_a_compacted_history_is_given_as_codex_gives_it() -> None:
    recorded = await sessions.compacted()
    (theirs,) = recorded.rollouts
    mine, _ = await recorded.rollout()
    (ours,), (original,) = said(mine, "compacted"), said(theirs, "compacted")
    assert ours["message"] == original["message"]
    texts = [
        [part["text"] for item in each["replacement_history"] for part in item["content"]] for each in (ours, original)
    ]
    assert texts[0] == texts[1]


async def test_failed_calls_are_a_loss() -> None:
    mine, losses = await (await sessions.stopped()).rollout()
    assert "the calls that the proxy refused, and what tools gave back in them" in losses
    assert len(said(mine, "token_usage_record")) == 1


async def test_what_a_failed_call_used_is_a_loss() -> None:
    asked = {"input": "a"}
    document, losses = await pieces(rollout.export, [record(1, asked, [], error="broke off"), record(2, asked, [])])
    lines = [json.loads(line) for line in document.splitlines()]
    assert [used["usage"]["input_tokens"] for used in said(lines, "token_usage_record")] == [7]
    assert "what its failed calls used" in losses


async def test_another_api_is_put_as_the_responses_api() -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]
    tool = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    answer = b'{"id": "r", "choices": [{"message": {"role": "assistant", "content": "ok", "tool_calls": [%s]}, "finish_reason": "stop"}]}'
    body = answer % json.dumps(tool).encode()
    call = record(1, {"messages": messages}, [], request_line="POST /v1/chat/completions", response=body)
    document, losses = await pieces(rollout.export, [call])
    lines = [json.loads(line) for line in document.splitlines()]
    items = [line["payload"] for line in lines if line["type"] == "response_item"]
    assert lines[0]["payload"]["base_instructions"] == {"text": "Be brief."}
    assert [item["type"] for item in items] == ["message", "message", "function_call"]
    assert items[2] | {"name": "look", "call_id": "c1", "arguments": "{}"} == items[2]
    assert any("'chat'" in loss for loss in losses)

"""Steps of conversations that the real Codex does not have."""

import json

from oneshot_proxy.refusal import Refusal
from proxy.exports.builders import exported, record

LOOK = {"type": "function_call", "name": "look", "call_id": "c1", "arguments": '{"at": 1}'}
PATCH = {"type": "custom_tool_call", "name": "apply_patch", "call_id": "c2", "input": "*** Begin Patch"}


def said(text: str) -> dict[str, object]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


async def test_what_a_model_said_before_the_recording_is_copied_context() -> None:
    result = {"type": "function_call_output", "call_id": "c1", "output": "3"}
    given = [{"role": "user", "content": "a"}, said("b"), LOOK, result]
    document, _ = await exported([record(1, {"input": given}, [said("c")])])
    first, copied, answer = document["steps"]
    assert (first["source"], copied["is_copied_context"], "is_copied_context" in answer) == ("user", True, False)
    assert copied["observation"]["results"] == [{"source_call_id": "c1", "content": "3"}]
    assert "metrics" not in copied


async def test_freeform_input_stands_under_input() -> None:
    document, _ = await exported([record(1, {"input": "a"}, [LOOK, PATCH])])
    look, patch = document["steps"][-1]["tool_calls"]
    assert look["arguments"] == {"at": 1}
    assert (patch["arguments"], patch["extra"]) == ({"input": "*** Begin Patch"}, {"type": "custom_tool_call"})


async def test_a_result_of_no_known_call_is_kept() -> None:
    lost = {"type": "function_call_output", "call_id": "c9", "output": "late"}
    document, _ = await exported([record(1, {"input": [lost]}, [said("ok")])])
    assert document["steps"][0]["observation"]["results"] == [{"content": "late", "extra": {"call_id": "c9"}}]


async def test_a_tool_whose_definition_changes_and_a_new_parameter_are_said() -> None:
    first = {"input": "a", "tools": [{"type": "function", "name": "look"}], "temperature": 0}
    second = first | {"tools": [{"type": "function", "name": "look", "strict": True}], "temperature": 1}
    document, losses = await exported([record(1, first, [said("b")]), record(2, second, [said("c")])])
    assert document["agent"]["extra"]["parameters"] == {"temperature": 0}
    inner = document["subagent_trajectories"][0] if "subagent_trajectories" in document else document
    assert inner["steps"][-1]["extra"].get("parameters") in ({"temperature": 1}, None)
    assert document["agent"]["tool_definitions"] == [{"type": "function", "name": "look"}]
    assert not losses or all("of" in loss or "the" in loss for loss in losses)


async def test_text_between_tool_calls_is_a_loss_of_order() -> None:
    _, losses = await exported([record(1, {"input": "a"}, [LOOK, said("then"), PATCH])])
    assert "where an answer's text stood between its tool calls" in losses


async def test_calls_that_the_proxy_refused_are_named_and_no_steps() -> None:
    no = Refusal("oneshot_model_refused", "no").body()
    asked = {"input": [{"role": "user", "content": "a"}]}
    flood = {"input": [{"role": "user", "content": "flood"}], "tools": [{"type": "function", "name": "flood"}]}
    refused = [record(seq, flood, [], 400, response=no) for seq in (2, 3)]
    document, _ = await exported([record(1, asked, [said("b")]), *refused])
    assert [step["message"] for step in document["steps"]] == ["a", "b"]
    assert [call["seq"] for call in document["extra"]["failed_calls"]] == [2, 3]
    assert "flood" not in json.dumps(document)

"""OpenAI's Responses API, as OpenAI and as Codex's own backend speak it.

Sources: https://platform.openai.com/docs/api-reference/responses and .../responses-streaming; what only Codex sends
(`namespace` tools, `additional_tools`, `tool_search_*`, `agent_message`, `compaction` and its kin) is as seen on its wire.
"""

from typing import Any

from oneshot_proxy import outcome, usage
from oneshot_proxy.model import Item, ModelCall
from oneshot_proxy.protocols import responses_stream
from oneshot_proxy.protocols.reading import Answer, Unknown, mapping, mappings, objects, string, written

_OWN_FIELDS = ("model", "instructions", "input", "tools")
# they bring in what does not stand in the request
_ELSEWHERE = ("previous_response_id", "conversation", "prompt")
_CALLS = frozenset(
    {
        "function_call",
        "custom_tool_call",
        "local_shell_call",
        "shell_call",
        "apply_patch_call",
        "tool_search_call",
        "web_search_call",
        "file_search_call",
        "computer_call",
        "code_interpreter_call",
        "image_generation_call",
        "mcp_call",
    }
)
_RESULTS = frozenset(
    {
        "function_call_output",
        "custom_tool_call_output",
        "local_shell_call_output",
        "shell_call_output",
        "apply_patch_call_output",
        "computer_call_output",
    }
)
_TOOLS = frozenset({"additional_tools", "tool_search_output", "mcp_list_tools"})
# understood, and nothing that other APIs have: they mark where a history was compacted or settings changed
_MARKS = frozenset(
    {
        "compaction",
        "context_compaction",
        "compaction_summary",
        "compaction_trigger",
        "configuration_update",
        "mcp_approval_request",
        "mcp_approval_response",
    }
)
_ARGUMENTS = ("arguments", "input", "action", "operation", "code", "queries")
_TEXTS = frozenset({"input_text", "output_text", "text", "summary_text", "reasoning_text", "refusal"})
_UNREAD_PARTS = frozenset({"input_image", "input_file", "input_audio", "computer_screenshot", "encrypted_content"})


def decode(request: dict[str, Any], answer: Answer, unknown: Unknown) -> ModelCall:
    """One call; also of `/responses/compact`, whose answer is an `output` alone."""
    for name in _ELSEWHERE:
        if request.get(name) is not None:
            unknown.add(f"{name}: part of the conversation is not in the request")
    response, error = answer.body, answer.error
    if answer.events:
        response, error = responses_stream.rebuild(answer.events, unknown)
    if not error and isinstance(response.get("error"), dict):
        error = outcome.error_words(response) or "the response failed"
    return ModelCall(
        wire_api="responses",
        model=string(request.get("model")) or string(response.get("model")),
        instructions=string(request.get("instructions")),
        tools=tuple(mappings(request.get("tools"))),
        parameters={name: value for name, value in request.items() if name not in _OWN_FIELDS},
        input=_input(request.get("input"), unknown),
        output=items(response.get("output"), unknown, answered=True),
        usage=usage.parse(response.get("usage")),
        response_id=string(response.get("id")),
        finish=_finish(response),
        error=error,
        unknown=unknown.words,
    )


def _finish(response: dict[str, Any]) -> str:
    status = string(response.get("status"))
    if status in ("in_progress", "queued"):
        return ""
    return string(mapping(response.get("incomplete_details")).get("reason")) or status


def _input(value: object, unknown: Unknown) -> tuple[Item, ...]:
    if isinstance(value, str):
        return (Item("message", "user", {"type": "message", "role": "user", "content": value}, string(value)),)
    return items(value, unknown)


def items(value: object, unknown: Unknown, *, answered: bool = False) -> tuple[Item, ...]:
    """The items of an `input` or an `output`; `answered`: the model made them."""
    return tuple(_item(raw, unknown, answered) for raw in objects(value, unknown, "items that are", "an item"))


def _item(raw: dict[str, Any], unknown: Unknown, answered: bool) -> Item:
    kind = string(raw.get("type")) or ("message" if "role" in raw else "")
    if kind in ("message", "agent_message"):
        role = string(raw.get("role")) or ("assistant" if answered else "user")
        return Item("message", role, raw, _text(raw.get("content"), unknown), name=string(raw.get("author")))
    if kind == "reasoning":
        parts = [_text(raw.get(key), unknown, "\n\n") for key in ("summary", "content")]
        return Item("reasoning", "assistant", raw, "\n\n".join(part for part in parts if part))
    if kind in _CALLS:
        return _call(kind, raw)
    call_id = string(raw.get("call_id"))
    if kind in _RESULTS:
        return Item("tool_result", "tool", raw, _output(raw.get("output"), unknown), call_id=call_id)
    if kind in _TOOLS:
        role = "developer" if kind == "additional_tools" else "tool"
        return Item("tools", role, raw, call_id=call_id, tools=tuple(mappings(raw.get("tools"))))
    if kind not in _MARKS:
        unknown.add(f"item type {kind!r}")
    return Item("other", "assistant" if answered else "", raw)


def _call(kind: str, raw: dict[str, Any]) -> Item:
    arguments = next((raw[key] for key in _ARGUMENTS if raw.get(key) is not None), None)
    return Item(
        "tool_call",
        "assistant",
        raw,
        name=string(raw.get("name")) or kind.removesuffix("_call"),
        namespace=string(raw.get("namespace")) or string(raw.get("server_label")),
        call_id=string(raw.get("call_id")) or string(raw.get("id")),
        arguments=written(arguments),
    )


def _text(content: object, unknown: Unknown, between: str = "") -> str:
    """The plain text of content parts; images, files and audio stay in `raw`."""
    if content is None or isinstance(content, str):
        return string(content)
    found = []
    for part in mappings(content):
        kind = string(part.get("type"))
        if kind in _TEXTS:
            found.append(string(part.get("refusal" if kind == "refusal" else "text")))
        elif kind not in _UNREAD_PARTS:
            unknown.add(f"content type {kind!r}")
    return between.join(found)


def _output(value: object, unknown: Unknown) -> str:
    """A tool's output: a string, content parts, or another object, which is then written as JSON."""
    if isinstance(value, list) and all(isinstance(part, dict) and "type" in part for part in value):
        return _text(value, unknown)
    return written(value)

"""Anthropic's Messages API. Sources: https://docs.anthropic.com/en/api/messages and .../messages-streaming."""

from typing import Any

from oneshot_proxy import outcome, usage
from oneshot_proxy.model import Item, ModelCall
from oneshot_proxy.protocols import messages_stream
from oneshot_proxy.protocols.reading import Answer, Unknown, mappings, objects, string, written

_OWN_FIELDS = ("model", "system", "messages", "tools")
_CALLS = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})
_UNREAD_BLOCKS = frozenset({"image", "document", "search_result", "container_upload", "tool_reference"})
_PARTIAL = messages_stream.PARTIAL


def decode(request: dict[str, Any], answer: Answer, unknown: Unknown) -> ModelCall:
    """One call. `instructions` is the `system` field; blocks of it are joined by line breaks."""
    response, error = answer.body, answer.error
    if answer.events:
        response, error = messages_stream.rebuild(answer.events, unknown)
    elif not error and isinstance(response.get("error"), dict):
        error = outcome.error_words(response) or "the response failed"
    return ModelCall(
        wire_api="messages",
        model=string(request.get("model")) or string(response.get("model")),
        instructions=_text(request.get("system"), unknown, "\n"),
        tools=tuple(mappings(request.get("tools"))),
        parameters={name: value for name, value in request.items() if name not in _OWN_FIELDS},
        input=_input(request.get("messages"), unknown),
        output=_blocks("assistant", response.get("content"), unknown),
        usage=usage.parse(response.get("usage")),
        response_id=string(response.get("id")),
        finish=string(response.get("stop_reason")),
        error=error,
        unknown=unknown.words,
    )


def _input(value: object, unknown: Unknown) -> tuple[Item, ...]:
    items: list[Item] = []
    for message in objects(value, unknown, "messages that are", "a message"):
        role, content = string(message.get("role")), message.get("content")
        if role not in ("user", "assistant", "system"):
            unknown.add(f"role {role!r}")
        if isinstance(content, str):
            items.append(Item("message", role, message, string(content)))
        else:
            items += _blocks(role, content, unknown)
    return tuple(items)


def _blocks(role: str, content: object, unknown: Unknown) -> tuple[Item, ...]:
    found = objects(content, unknown, "content that is", "a content block")
    return tuple(_block(role, raw, unknown) for raw in found)


def _block(role: str, raw: dict[str, Any], unknown: Unknown) -> Item:
    kind = string(raw.get("type"))
    if kind == "text":
        return Item("message", role, raw, string(raw.get("text")))
    if kind in ("thinking", "redacted_thinking"):
        return Item("reasoning", "assistant", raw, string(raw.get("thinking")))
    if kind in _CALLS:
        return Item(
            "tool_call",
            "assistant",
            raw,
            name=string(raw.get("name")),
            namespace=string(raw.get("server_name")),
            call_id=string(raw.get("id")),
            arguments=string(raw.get(_PARTIAL)) or written(raw.get("input")),
        )
    if kind.endswith("tool_result"):  # the provider's own tools each have a kind: web_search_tool_result
        return Item("tool_result", "tool", raw, _result(raw, unknown), call_id=string(raw.get("tool_use_id")))
    if kind in _UNREAD_BLOCKS:
        return Item("message", role, raw)
    unknown.add(f"content type {kind!r}")
    return Item("other", role, raw)


def _result(raw: dict[str, Any], unknown: Unknown) -> str:
    content = raw.get("content")
    plain = raw.get("type") in ("tool_result", "mcp_tool_result")
    return _text(content, unknown) if plain and isinstance(content, str | list) else written(content)


def _text(content: object, unknown: Unknown, between: str = "") -> str:
    if content is None or isinstance(content, str):
        return string(content)
    found = []
    for block in mappings(content):
        kind = string(block.get("type"))
        if kind == "text":
            found.append(string(block.get("text")))
        elif kind not in _UNREAD_BLOCKS:
            unknown.add(f"content type {kind!r}")
    return between.join(found)

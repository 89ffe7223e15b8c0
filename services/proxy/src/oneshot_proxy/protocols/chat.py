"""Chat Completions, of OpenAI and of the many that speak it.

Source: https://platform.openai.com/docs/api-reference/chat. `reasoning_content` (DeepSeek, vLLM) and `reasoning` (OpenRouter) are
read as reasoning. One choice is read; an answer with more says so.
"""

from typing import Any

from oneshot_proxy import outcome, usage
from oneshot_proxy.model import Item, ModelCall
from oneshot_proxy.protocols.reading import Answer, Unknown, index, mapping, mappings, objects, string, written

_OWN_FIELDS = ("model", "messages", "tools", "functions")
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_REASONING = ("reasoning_content", "reasoning")
_CALLS = ("tool_calls", "function_call")
_TEXTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
_UNREAD_PARTS = frozenset({"image_url", "input_audio", "file", "video_url", "audio_url"})
_DELTA_STRINGS = ("content", "refusal", *_REASONING)
_DELTA_FIELDS = frozenset(
    {"role", "name", "reasoning_details", "annotations", "audio", *_DELTA_STRINGS, *_CALLS, "provider_specific_fields"}
)


def decode(request: dict[str, Any], answer: Answer, unknown: Unknown) -> ModelCall:
    """One call. The system prompt is a message of the input; `instructions` is empty."""
    response, error = answer.body, answer.error
    if answer.events:
        response, error = _rebuilt(answer.events, unknown)
    elif not error and response.get("error") is not None:
        error = outcome.error_words(response) or "the response failed"
    choices = mappings(response.get("choices"))
    if len(choices) > 1:
        unknown.add(f"{len(choices)} choices: the first is read")
    choice = choices[0] if choices else {}
    message = mapping(choice.get("message"))
    return ModelCall(
        wire_api="chat",
        model=string(request.get("model")) or string(response.get("model")),
        instructions="",
        tools=(*mappings(request.get("tools")), *mappings(request.get("functions"))),
        parameters={name: value for name, value in request.items() if name not in _OWN_FIELDS},
        input=tuple(
            item
            for message in objects(request.get("messages"), unknown, "messages that are", "a message")
            for item in _items(message, unknown)
        ),
        output=_items({"role": "assistant"} | message, unknown) if message else (),
        usage=usage.parse(response.get("usage")),
        response_id=string(response.get("id")),
        finish=string(choice.get("finish_reason")),
        error=error,
        unknown=unknown.words,
    )


def _items(message: dict[str, Any], unknown: Unknown) -> tuple[Item, ...]:
    """Reasoning, what is said, and calls, in the order in which models make them."""
    role = string(message.get("role"))
    if role not in _ROLES:
        unknown.add(f"role {role!r}")
        return (Item("other", role, message),)
    text = _text(message.get("content"), unknown) + string(message.get("refusal"))
    if role in ("tool", "function"):
        call_id = string(message.get("tool_call_id")) or string(message.get("name"))
        return (Item("tool_result", "tool", message, text, string(message.get("name")), call_id=call_id),)
    found = [
        Item("reasoning", "assistant", {name: message[name]}, thought)
        for name in _REASONING
        if (thought := string(message.get(name)))
    ][:1]
    calls = _calls(message, unknown)
    if text or message.get("content") or not (found or calls):
        said = {name: value for name, value in message.items() if name not in (*_CALLS, *_REASONING)}
        found.append(Item("message", role, said, text, string(message.get("name"))))
    return (*found, *calls)


def _calls(message: dict[str, Any], unknown: Unknown) -> list[Item]:
    found = []
    for raw in mappings(message.get("tool_calls")):
        kind = string(raw.get("type")) or "function"
        if kind not in ("function", "custom"):
            unknown.add(f"tool call type {kind!r}")
        found.append(_call(raw, mapping(raw.get(kind)), string(raw.get("id"))))
    if isinstance(legacy := message.get("function_call"), dict):
        found.append(_call(legacy, legacy, string(legacy.get("name"))))
    return found


def _call(raw: dict[str, Any], body: dict[str, Any], call_id: str) -> Item:
    arguments = written(body.get("arguments", body.get("input")))
    return Item("tool_call", "assistant", raw, name=string(body.get("name")), call_id=call_id, arguments=arguments)


def _text(content: object, unknown: Unknown) -> str:
    if content is None or isinstance(content, str):
        return string(content)
    found = []
    for part in mappings(content):
        kind = string(part.get("type"))
        if kind in _TEXTS:
            found.append(string(part.get(_TEXTS[kind])))
        elif kind not in _UNREAD_PARTS:
            unknown.add(f"content type {kind!r}")
    return "".join(found)


def _rebuilt(events: tuple[dict[str, Any], ...], unknown: Unknown) -> tuple[dict[str, Any], str]:
    """The response that a stream's chunks make up, as far as they came, and the API's words on what failed."""
    choices: dict[int, _Choice] = {}
    response: dict[str, Any] = {}
    error = ""
    for event in events:
        if event.get("error") is not None:
            error = outcome.error_words(event) or "the stream reported an error"
        elif not isinstance(event.get("choices"), list):
            unknown.add("an event without choices")
        response |= {name: event[name] for name in ("id", "model", "usage") if event.get(name) is not None}
        for place, choice in enumerate(mappings(event.get("choices"))):
            choices.setdefault(index(choice.get("index"), place), _Choice()).take(choice, unknown)
    return response | {"choices": [choices[place].built() for place in sorted(choices)]}, error


class _Choice:
    def __init__(self) -> None:
        self._finish = ""
        self._rest: dict[str, Any] = {}
        self._strings: dict[str, list[str]] = {}
        self._calls: dict[int, dict[str, Any]] = {}
        self._arguments: dict[tuple[int, str, str], list[str]] = {}

    def take(self, choice: dict[str, Any], unknown: Unknown) -> None:
        self._finish = string(choice.get("finish_reason")) or self._finish
        delta = mapping(choice.get("delta"))
        for name, value in delta.items():
            if name in _DELTA_STRINGS and isinstance(value, str):
                self._strings.setdefault(name, []).append(string(value))
            elif name == "tool_calls":
                for place, call in enumerate(mappings(value)):
                    self._call(index(call.get("index"), place), call)
            elif name == "function_call":
                self._call(-1, {"type": "function", "function": value})
            elif name in _DELTA_FIELDS:
                self._rest |= {name: value} if value is not None else {}
            elif value is not None:
                unknown.add(f"delta field {name[:40]!r}")

    def _call(self, place: int, call: dict[str, Any]) -> None:
        """Names and ids come once, arguments in pieces."""
        made = self._calls.setdefault(place, {})
        made |= {name: call[name] for name in ("id", "type") if call.get(name)}
        for kind, field in (("function", "arguments"), ("custom", "input")):
            body = mapping(call.get(kind))
            if body:
                made.setdefault("type", kind)
                inner = made.setdefault(kind, {})
                inner |= {name: value for name, value in body.items() if name != field and value}
                self._arguments.setdefault((place, kind, field), []).append(string(body.get(field)))

    def built(self) -> dict[str, Any]:
        for (place, kind, field), pieces in self._arguments.items():
            self._calls[place][kind][field] = "".join(pieces)
        message = self._rest | {name: "".join(pieces) for name, pieces in self._strings.items()}
        calls = [self._calls[place] for place in sorted(self._calls)]
        return {"message": message | ({"tool_calls": calls} if calls else {}), "finish_reason": self._finish}

"""What may be asked of a model API: endpoints, and what a request's body must and must not say. Pure."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jiter

from oneshot_proxy import refusal
from oneshot_proxy.refusal import Refusal

# by what a provider speaks (`Provider.wire_api`); what else an API has under a path is refused, counting tokens included
_ENDPOINTS = {
    "responses": {"/v1/responses": "responses", "/v1/chat/completions": "chat"},
    "messages": {"/v1/messages": "messages"},
}
_NOT_FOUND = ("/v1/models", "/v1/messages/count_tokens")  # an agent does without what it does not find
# tools that run on the agent's side; every other kind runs on the provider's, past the sandbox and often past the price table
_TOOLS = frozenset({"function", "custom", "namespace", "tool_search", "local_shell"})
# the same of Anthropic's, whose names end with a date; those without a type are the agent's own
_MESSAGES_TOOLS = re.compile("(custom)?|(bash|text_editor|computer|memory)_[0-9]+")
# they name another model, tools or a conversation that are kept elsewhere, or another price
_FIELDS = (
    "models",
    "preset",
    "route",
    "plugins",
    "prompt",
    "previous_response_id",
    "conversation",
    "web_search_options",
    "background",
    "mcp_servers",
    "container",
    "inference_geo",
)
# what else they may be told is paid at another price
_PACES = {"service_tier": (None, "auto", "default", "standard_only"), "speed": (None, "standard")}
_WRITTEN = ("tool_use", "server_tool_use", "mcp_tool_use")  # their input is what the model wrote for a tool
MAX_BODY = 16 * 1024 * 1024
"""Bytes of a request's body, decoded."""
_MAX_MARKS = 300_000  # commas and opening brackets: no more values stand in a body, and each takes some sixty bytes once it is read
_FILE_KEYS = frozenset({"file_url", "image_url", "url"})
_PARTS = ("content", "output")


@dataclass(frozen=True)
class Request:
    """A request that was understood. `body` is the parsed object, to be read only."""

    wire_api: str
    body: dict[str, Any]

    @property
    def stream(self) -> bool:
        """Whether the answer is to come as server-sent events."""
        return self.body.get("stream") is True

    @property
    def items(self) -> list[dict[str, Any]]:
        """The input items of a Responses request; a plain string is a user's message."""
        given = self.body.get("input")
        if isinstance(given, str):
            return [{"type": "message", "role": "user", "content": given}]
        return [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []


def endpoint(method: str, path: str, speaks: str) -> str:
    """The wire API behind a method and path, at a provider that speaks "responses" or "messages".

    :raises Refusal: any other than the allowed ones.
    """
    plain, allowed = path.split("?", 1)[0], _ENDPOINTS[speaks]
    if method != "POST" or plain not in allowed:
        status = 404 if plain in _NOT_FOUND else 400
        raise Refusal(
            refusal.ENDPOINT, f"{method} {plain} is not served here; allowed: POST {', POST '.join(allowed)}", status
        )
    return allowed[plain]


def check_size(size: int) -> None:
    """:raises Refusal: a body of so many bytes is too large."""
    if size > MAX_BODY:
        raise Refusal(refusal.BAD_REQUEST, f"the body has {size} bytes; at most {MAX_BODY} are allowed: send less")


def parse(wire_api: str, content: bytes) -> Request:
    """Read a body. :raises Refusal: it is too large, has too many values, or is no JSON object, or one in which a key stands twice
    (readers differ on which counts)."""
    check_size(len(content))
    if len(content) > _MAX_MARKS and (marks := sum(map(content.count, (b",", b"[", b"{")))) > _MAX_MARKS:
        words = f"the body has {marks} commas and opening brackets; at most {_MAX_MARKS} are allowed: send less"
        raise Refusal(refusal.BAD_REQUEST, words)
    try:
        body = _json(content)
    except (ValueError, RecursionError) as error:
        raise Refusal(refusal.BAD_REQUEST, f"the body cannot be read as JSON ({error}); send one JSON object") from None
    if not isinstance(body, dict):
        raise Refusal(refusal.BAD_REQUEST, f"the body is a JSON {type(body).__name__}; send one JSON object")
    return Request(wire_api, body)


def _json(content: bytes) -> Any:  # noqa: ANN401 -- any JSON
    """What `json` makes of it. jiter takes less than half of the time, but neither lone surrogates nor deep nesting."""
    try:
        return jiter.from_json(content, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys")
    except ValueError:
        return json.loads(content, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen = set[str]()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"key {key!r} stands twice in one object")
            seen.add(key)
    return found


def check(request: Request, model: str) -> None:
    """The pins of a session. :raises Refusal: another model, a tool or file that the provider would fetch, unseen usage."""
    asked = request.body.get("model")
    if asked != model:
        raise Refusal(refusal.MODEL, f"model {asked!r} is not this session's; only {model!r} may be asked for")
    for field in _FIELDS:
        if request.body.get(field) not in (None, False):
            raise Refusal(
                refusal.BAD_REQUEST, f"the field {field!r} is refused: its effect cannot be bounded; leave it out"
            )
    for field, paces in _PACES.items():
        if (asked := request.body.get(field)) not in paces:
            words = f"the {field.replace('_', ' ')} {asked!r} is refused: its price is not known; leave it out"
            raise Refusal(refusal.BAD_REQUEST, words)
    own = request.wire_api == "messages"
    for kind in _tool_types(request.body):
        if not (_MESSAGES_TOOLS.fullmatch(kind) if own else kind in _TOOLS):
            allowed = "custom, bash, text_editor, computer, memory" if own else ", ".join(sorted(_TOOLS))
            raise Refusal(
                refusal.TOOL,
                f"the hosted tool {kind!r} is refused: it works outside of the sandbox; allowed: {allowed}",
            )
    if any(map(_refers, request.items)):
        words = (
            "an item that names one of an earlier answer is refused: the request must hold what was said; send the item"
        )
        raise Refusal(refusal.BAD_REQUEST, words)
    for address in _addresses(request.body.get("input"), request.body.get("messages")):
        raise Refusal(
            refusal.BAD_REQUEST,
            f"the address {address[:80]!r} is refused: the provider would fetch it; send the content",
        )


def _refers(item: dict[str, Any]) -> bool:
    """Whether it stands for an item that the provider has kept. Its type may be left out."""
    return item.get("type") == "item_reference" or (not item.get("type") and "role" not in item)


def _tool_types(body: dict[str, Any]) -> Iterator[str]:
    places = [body.get("tools"), *(item.get("tools") for item in Request("", body).items)]
    while places:
        place = places.pop()
        if not isinstance(place, list | None) or not all(isinstance(tool, dict) for tool in place or ()):
            raise Refusal(refusal.BAD_REQUEST, "the tools are no list of JSON objects; send one")
        for tool in place or ():
            yield str(tool.get("type", ""))
            places.append(tool.get("tools"))


def _addresses(*places: object) -> Iterator[str]:
    """Web addresses in the parts of messages that name a file or an image."""
    for place in places:
        for item in place if isinstance(place, list) else ():
            if isinstance(item, dict):
                yield from _part_addresses({key: item[key] for key in _PARTS if key in item})


def _part_addresses(part: object) -> Iterator[str]:
    if not isinstance(part, dict) or part.get("type") in _WRITTEN:
        return
    for key, value in part.items():
        if key in _PARTS and isinstance(value, list):
            for inner in value:
                yield from _part_addresses(inner)
        elif isinstance(value, dict):
            yield from _part_addresses(value)
        elif isinstance(value, str) and _fetched(key, value):
            yield value


def _fetched(key: str, value: str) -> bool:
    named = key in _FILE_KEYS or (key == "file_data" and ":" in value)  # base64 has no colon
    return named and not value.startswith("data:")


def with_usage(request: Request) -> bytes | None:
    """A streamed Chat Completions body that asks for usage, where the agent's does not; else None.

    Without it the stream carries no usage, and no limit could be kept.
    """
    options = request.body.get("stream_options")
    if request.wire_api != "chat" or not request.stream or (isinstance(options, dict) and options.get("include_usage")):
        return None
    return json.dumps(request.body | {"stream_options": {**(options or {}), "include_usage": True}}).encode()

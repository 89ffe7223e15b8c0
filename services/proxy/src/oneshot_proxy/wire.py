"""What may be asked of a model API: endpoints, and what a request's body must and must not say. Pure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from oneshot_proxy import refusal
from oneshot_proxy.refusal import Refusal

ENDPOINTS = {"/v1/responses": "responses", "/v1/chat/completions": "chat"}
_HOSTED_TOOLS = ("web_search", "mcp")  # both let the model's side reach the internet, past the sandbox


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
        """The input items of a Responses request; a plain string is a user's message and holds none."""
        given = self.body.get("input")
        return [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []


def endpoint(method: str, path: str) -> str:
    """The wire API behind a method and path. :raises Refusal: any other than the allowed ones."""
    plain = path.split("?", 1)[0]
    if method != "POST" or plain not in ENDPOINTS:
        status = 404 if plain == "/v1/models" else 400
        raise Refusal(
            refusal.ENDPOINT, f"{method} {plain} is not served here; allowed: POST {', POST '.join(ENDPOINTS)}", status
        )
    return ENDPOINTS[plain]


def parse(wire_api: str, content: bytes) -> Request:
    """Read a body. :raises Refusal: no JSON object, or one in which a key stands twice (readers differ on which counts)."""
    try:
        body = json.loads(content, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise Refusal(refusal.BAD_REQUEST, f"the body cannot be read as JSON ({error}); send one JSON object") from None
    if not isinstance(body, dict):
        raise Refusal(refusal.BAD_REQUEST, f"the body is a JSON {type(body).__name__}; send one JSON object")
    return Request(wire_api, body)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"key {twice!r} stands twice in one object")
    return found


def check(request: Request, model: str) -> None:
    """The pins of a session. :raises Refusal: another model, a hosted tool, or a call whose usage nobody would see."""
    asked = request.body.get("model")
    if asked != model:
        raise Refusal(refusal.MODEL, f"model {asked!r} is not this session's; only {model!r} may be asked for")
    for kind in _tool_types(request.body):
        if kind.startswith(_HOSTED_TOOLS):
            raise Refusal(refusal.TOOL, f"the hosted tool {kind!r} is refused: it would reach the internet; remove it")
    if request.body.get("background"):
        raise Refusal(refusal.BAD_REQUEST, "background responses are refused: their usage cannot be seen; leave it out")


def _tool_types(body: dict[str, Any]) -> Iterator[str]:
    if "web_search_options" in body:
        yield "web_search_options"
    places = [body.get("tools"), *(item.get("tools") for item in Request("", body).items)]
    while places:
        place = places.pop()
        for tool in place if isinstance(place, list) else ():
            if isinstance(tool, dict):
                yield str(tool.get("type", ""))
                places.append(tool.get("tools"))


def with_usage(request: Request) -> bytes | None:
    """A streamed Chat Completions body that asks for usage, where the agent's does not; else None.

    Without it the stream carries no usage, and no limit could be kept.
    """
    options = request.body.get("stream_options")
    if request.wire_api != "chat" or not request.stream or (isinstance(options, dict) and options.get("include_usage")):
        return None
    return json.dumps(request.body | {"stream_options": {**(options or {}), "include_usage": True}}).encode()

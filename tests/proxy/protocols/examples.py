"""Records to decode, and what every decoder must stand."""

import json
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from oneshot_proxy.records import CallRecord
from oneshot_proxy.usage import Usage

BASE = CallRecord("s", 1, "POST /v1/responses", b"{}", 200, "text/event-stream", b"", 0.0, 0.0, 0.0, Usage(), "")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def record(path: str, request: object, response: object, **how: Any) -> CallRecord:
    """A record; a `response` that is no bytes is a JSON answer."""
    if isinstance(response, bytes):
        kind = "text/event-stream; charset=utf-8"
    else:
        response, kind = json.dumps(response).encode(), "application/json"
    sent = request if isinstance(request, bytes) else json.dumps(request).encode()
    return replace(BASE, request_line=f"POST {path}", request=sent, response=response, **({"content_type": kind} | how))


def stream(*events: dict[str, Any]) -> bytes:
    """Server-sent events, named by their type where they have one."""
    lines = [(f"event: {e['type']}\n" if "type" in e else "") + f"data: {json.dumps(e)}\n\n" for e in events]
    return "".join(lines).encode()


@st.composite
def mutated(draw: st.DrawFn, value: Any) -> Any:
    """The JSON value with one place in it replaced by any other JSON, or taken away."""
    places = list(_places(value))
    place = draw(st.sampled_from(places))
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in place[:-1]:
        inner = inner[key]
    if draw(st.booleans()):
        inner[place[-1]] = draw(JSON)
    else:
        del inner[place[-1]]
    return copy


def _places(value: Any) -> Any:
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield (key,)
        yield from ((key, *rest) for rest in _places(value[key]))

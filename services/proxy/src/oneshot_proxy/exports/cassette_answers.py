"""What a recorded call was answered, as the fields of a cassette's entry. Pure."""

from typing import Any

from oneshot_proxy import protocols, sse
from oneshot_proxy.cassette import Body, Item, Timing
from oneshot_proxy.protocols import reading
from oneshot_proxy.records import CallRecord

_LEFT = "client disconnected"
_OUR_CODES = "oneshot_"
_HEADERS = ("retry-after", "retry-after-ms", "x-should-retry")
_DIGITS = 3


def refused(call: CallRecord) -> bool:
    """Whether the proxy itself said no: the upstream was never asked."""
    error = (reading.json_object(call.response) or {}).get("error")
    return isinstance(error, dict) and str(error.get("code")).startswith(_OUR_CODES)


def answer(call: CallRecord) -> dict[str, Any]:
    """The entry's fields, but for what the request tells."""
    fields: dict[str, Any] = {"timing": _timing(call), "headers": _headers(call)} | (
        _failed(call) if call.status >= 400 else _answered(call)
    )
    return {name: value for name, value in fields.items() if value not in ({}, None)}


def _timing(call: CallRecord) -> Timing:
    first = call.first_token_seconds or call.first_byte_seconds or call.seconds
    return Timing(first_token=round(min(first, call.seconds), _DIGITS), seconds=round(call.seconds, _DIGITS))


def _headers(call: CallRecord) -> dict[str, str]:
    return {name: value for name, value in call.response_headers if name in _HEADERS}


def _failed(call: CallRecord) -> dict[str, Any]:
    body = reading.json_object(call.response)
    if body is not None and list(body) == ["error"] and isinstance(body["error"], dict):
        return {"status": call.status, "error": body["error"]}
    text = call.response.decode("utf-8", "replace")
    return {"status": call.status, "body": Body(content_type=call.content_type, text=text)}


def _answered(call: CallRecord) -> dict[str, Any]:
    decoded = protocols.decode(call)
    ends = "left" if _LEFT in call.error.lower() else "cut"
    if not call.status or decoded is None:
        return {"status": 0, "ends": ends}
    if not decoded.finish and not decoded.error:
        return {"status": call.status, "output": _whole_items(call.response), "ends": ends}
    last = ended(call.response)
    output = [item.raw for item in decoded.output] if _status(last) == "completed" else _whole_items(call.response)
    special = {key: last[key] for key in ("status", "error", "incomplete_details") if last.get(key)}
    return {
        "status": call.status,
        "output": output,
        "usage": last.get("usage") or {},
        "response": special if _status(last) != "completed" else {},
    }


def _status(response: Item) -> str:
    return str(response.get("status") or "completed")


def _events(body: bytes) -> list[Item]:
    return [event for data in sse.Scanner().feed(body + b"\n\n") if (event := reading.json_object(data)) is not None]


def _whole_items(body: bytes) -> list[Item]:
    """Those that a stream brought to their end: agents act on no others."""
    done = (event.get("item") for event in _events(body) if event.get("type") == "response.output_item.done")
    return [item for item in done if isinstance(item, dict)]


def ended(body: bytes) -> Item:
    """The response object as it came last; of a stream that ended with an error, a failed one."""
    if (whole := reading.json_object(body)) is not None:
        return whole
    last: Item = {}
    for event in _events(body):
        if isinstance(event.get("response"), dict):
            last = event["response"]
        elif event.get("type") == "error" or isinstance(event.get("error"), dict):
            words = reading.mapping(event.get("error")) or event
            error = {key: words.get(key) for key in ("code", "message")}
            last = last | {"status": "failed", "error": error}
    return last

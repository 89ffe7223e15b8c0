"""Every call as it was recorded, one JSON object a line. Nothing is lost: `record` gives back what went in."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from oneshot_proxy import offload
from oneshot_proxy.exports.contract import Losses
from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_proxy.usage import Usage


async def export(session: SessionRecord, calls: AsyncIterator[CallRecord], losses: Losses) -> AsyncIterator[bytes]:
    """A line a call, the fields as in CallRecord; bodies are text, or {"base64": …} where they are no UTF-8."""
    async for call in calls:
        yield await offload.run(len(call.request) + len(call.response), line, call)


def line(call: CallRecord) -> bytes:
    """A call's line, its end included."""
    fields = asdict(call) | {"request": _body(call.request), "response": _body(call.response)}
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def record(written: bytes) -> CallRecord:
    """The reverse of `line`."""
    fields: dict[str, Any] = json.loads(written)
    fields |= {name: _bytes(fields[name]) for name in ("request", "response")}
    fields |= {name: tuple(map(tuple, fields[name])) for name in ("request_headers", "response_headers")}
    return CallRecord(**fields | {"undecoded": tuple(fields["undecoded"]), "usage": Usage(**fields["usage"])})


def _body(body: bytes) -> str | dict[str, str]:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _bytes(body: str | dict[str, str]) -> bytes:
    return body.encode() if isinstance(body, str) else base64.b64decode(body["base64"])

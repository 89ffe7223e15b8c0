"""Records of calls as a test needs them, and their exports."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from oneshot_proxy.exports import atif
from oneshot_proxy.exports.contract import Exporter, Losses
from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_proxy.usage import Usage

SESSION = SessionRecord("s", "m", "openai", 1000.0, 0.0, 2000.0, 1, 1, Usage(), "", "")


def record(
    seq: int, request: dict[str, Any], output: list[dict[str, Any]], status: int = 200, **fields: Any
) -> CallRecord:
    """A call of the Responses API, answered by JSON."""
    response = {"id": f"resp_{seq}", "status": "completed", "output": output, "usage": {"input_tokens": 7}}
    made: dict[str, Any] = {
        "session_id": "s",
        "seq": seq,
        "request_line": "POST /v1/responses",
        "request": json.dumps({"model": "m"} | request).encode(),
        "status": status,
        "content_type": "application/json",
        "response": json.dumps(response if status == 200 else {"error": {"message": "no"}}).encode(),
        "started_at": 1000.0 + seq,
        "first_byte_seconds": 0.25,
        "seconds": 0.5,
        "usage": Usage(7),
        "error": "",
    }
    return CallRecord(**made | fields)


async def pieces(
    export: Exporter, calls: Sequence[CallRecord], session: SessionRecord = SESSION
) -> tuple[bytes, list[str]]:
    """The whole document and the losses."""

    async def read() -> AsyncIterator[CallRecord]:
        for each in calls:
            yield each

    losses = Losses()
    return b"".join([piece async for piece in export(session, read(), losses)]), losses.sentences


async def exported(calls: Sequence[CallRecord]) -> tuple[dict[str, Any], list[str]]:
    """As ATIF."""
    document, losses = await pieces(atif.export, calls)
    return json.loads(document), losses

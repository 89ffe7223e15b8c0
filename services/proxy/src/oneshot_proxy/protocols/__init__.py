"""The wire APIs of models, decoded into one shape: `oneshot_proxy.model`. Pure; no bytes make it raise."""

from typing import Any

from oneshot_proxy.model import ModelCall
from oneshot_proxy.protocols import chat, messages, reading, responses
from oneshot_proxy.protocols.reading import Unknown
from oneshot_proxy.records import CallRecord

_DECODERS = {"responses": responses.decode, "chat": chat.decode, "messages": messages.decode}
_ENDINGS = {
    "/responses": "responses",
    "/responses/compact": "responses",
    "/chat/completions": "chat",
    "/messages": "messages",
}


def wire_api(request_line: str) -> str:
    """The wire API of "POST /v1/responses", with whatever prefix the path has; empty for any other traffic."""
    method, _, path = request_line.partition(" ")
    plain = path.partition("?")[0]
    return next((api for end, api in _ENDINGS.items() if method == "POST" and plain.endswith(end)), "")


def decode(record: CallRecord) -> ModelCall | None:
    """The model call that a record holds, as far as it came; None where it is no known model API's."""
    unknown = Unknown()
    request = reading.json_object(record.request)
    if request is None:
        unknown.add("the request is no JSON object")
    return _decoded(record, request or {}, unknown)


def decode_answer(record: CallRecord) -> ModelCall | None:
    """The same of what came back alone: a request repeats its whole conversation, and takes as long to read."""
    return _decoded(record, {"input": [], "messages": []}, Unknown())


def _decoded(record: CallRecord, request: dict[str, Any], unknown: Unknown) -> ModelCall | None:
    decoder = _DECODERS.get(record.wire_api or wire_api(record.request_line))
    return decoder(request, reading.answer(record, unknown), unknown) if decoder else None

"""Between records and JSON. What an older or newer program knew beside these fields is passed over."""

import json
from dataclasses import asdict, fields
from typing import Any

from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_proxy.usage import Usage

CUT = "cut: the proxy was killed while this call was in flight"
_IN_COLUMNS = frozenset({"session_id", "seq", "request", "response", "stored_bytes", "body_bytes"})


def dump(record: SessionRecord | CallRecord) -> str:
    """All fields that have no column and are no body."""
    values = {field.name: getattr(record, field.name) for field in fields(record) if field.name not in _IN_COLUMNS}
    return json.dumps(values | {"usage": asdict(record.usage)}, separators=(",", ":"))


def session(text: str, **columns: Any) -> SessionRecord:  # noqa: ANN401 -- fields of all types
    """The reverse. :raises ValueError, TypeError, KeyError: it is none."""
    return SessionRecord(**_values(SessionRecord, text), **columns)


def call(text: str, cut: bool, **columns: Any) -> CallRecord:  # noqa: ANN401
    """The reverse; `cut` calls have no end. :raises ValueError, TypeError, KeyError: it is none."""
    values = _values(CallRecord, text)
    return CallRecord(**values | ({"status": 0, "error": CUT} if cut else {}), **columns)


def _values(kind: type[SessionRecord | CallRecord], text: str) -> dict[str, Any]:
    known = {field.name for field in fields(kind)}
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError("a record is a JSON object")
    values = {name: _frozen(value) for name, value in found.items() if name in known}
    return values | {"usage": Usage(**values["usage"])}


def _frozen(value: Any) -> Any:  # noqa: ANN401
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value

"""What all wire APIs need to be read: bodies, events and values of any shape, without an exception. Pure."""

import json
from dataclasses import dataclass, field
from typing import Any

import jiter

from oneshot_proxy import outcome
from oneshot_proxy.records import CallRecord
from oneshot_proxy.sse import Scanner

_MOST_WORDS = 20
_LONGEST_WORDS = 120


class Unknown:
    """What was not understood, a few words each, every one once, the first twenty."""

    def __init__(self) -> None:
        self._words: dict[str, None] = {}

    def add(self, words: str) -> None:
        """Note it."""
        if len(self._words) < _MOST_WORDS:
            self._words[words[:_LONGEST_WORDS]] = None

    @property
    def words(self) -> tuple[str, ...]:
        """In the order of their coming."""
        return tuple(self._words)


@dataclass(frozen=True)
class Answer:
    """What came back: one JSON object, or the events of a stream. Both are empty where nothing readable came."""

    body: dict[str, Any] = field(default_factory=dict)
    events: tuple[dict[str, Any], ...] = ()
    error: str = ""


def answer(record: CallRecord, unknown: Unknown) -> Answer:
    """Read a record's response; a stream that was cut gives the events that are whole."""
    data = record.response
    if record.content_type.lower().startswith("text/event-stream") or data.startswith((b"event:", b"data:")):
        return Answer(events=_events(data, unknown))
    body = json_object(data)
    if body is None and 200 <= record.status < 300 and not record.error:
        unknown.add("the answer is no JSON object")
    failed = record.status >= 400
    return Answer(body or {}, error=outcome.error_body_words(data) if failed else "")


def _events(data: bytes, unknown: Unknown) -> tuple[dict[str, Any], ...]:
    scanner = Scanner()
    whole = scanner.feed(data)
    found = [event for each in whole if (event := _event(each, unknown)) is not None]
    rest = [json_object(each) for each in scanner.feed(b"\n\n")]  # the last may lack its empty line, or its end
    return (*found, *(event for event in rest if event is not None))


def _event(data: bytes, unknown: Unknown) -> dict[str, Any] | None:
    if data.strip() == b"[DONE]":
        return None
    event = json_object(data)
    if event is None:
        unknown.add("an event that is no JSON object")
    return event


def json_object(data: bytes) -> dict[str, Any] | None:
    """The object, or None where the bytes are anything else."""
    try:
        try:
            value = jiter.from_json(data, cache_mode="keys")
        except ValueError:  # it is faster, and does not read lone surrogates nor what is nested deep
            value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def string(value: object) -> str:
    """A string as it is, but without lone surrogates, which no file takes; of anything else nothing."""
    if not isinstance(value, str):
        return ""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def written(value: object) -> str:
    """A string as it is; nothing for nothing; anything else as compact JSON."""
    if value is None or isinstance(value, str):
        return string(value)
    try:
        return json.dumps(value, separators=(",", ":"))
    except (ValueError, RecursionError):
        return ""


def mapping(value: object) -> dict[str, Any]:
    """The object, empty where it is none."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[dict[str, Any]]:
    """The objects in a list; what else stands there is left out."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def objects(value: object, unknown: Unknown, many: str, one: str) -> list[dict[str, Any]]:
    """The same, but what is no list, or stands in it and is no object, is noted: "`many` no list", "`one` that is no object"."""
    found = mappings(value)
    if value is not None and not isinstance(value, list):
        unknown.add(f"{many} no list but {type(value).__name__}")
    elif isinstance(value, list) and len(found) != len(value):
        unknown.add(f"{one} that is no object")
    return found


def index(value: object, otherwise: int) -> int:
    """A position that an event names."""
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise

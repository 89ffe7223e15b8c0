"""What an answer says about itself: usage, whether it is whole, and what failed. Pure; it knows no transport."""

import json
import re
from dataclasses import dataclass, field, replace

from oneshot_proxy import usage
from oneshot_proxy.usage import Usage

_TELLING = (
    b'"usage"',
    b'"error"',
    b"response.completed",
    b"response.incomplete",
    b"response.failed",
    b"message_stop",
)
_TOKENS = (b'"delta"', b"response.output_item.done")
_NO_TOKENS = (b'"message_delta"', b'"delta":{}', b'"delta": {}')
_LAST_EVENTS = ("response.completed", "response.incomplete", "response.failed")
_USAGE = re.compile(rb'"usage"\s*:\s*(?=\{)')
MAX_SENTENCE = 300


@dataclass(frozen=True)
class Outcome:
    """`finished`: the API said that the answer is whole. `failure`: its own words on what went wrong.

    `begun`: the `usage` object with which Anthropic begins a stream; `usage` follows when the counts of the output are in.
    """

    usage: Usage | None = None
    finished: bool = False
    failure: str = ""
    begun: dict[str, object] = field(default_factory=dict, compare=False)


def after(outcome: Outcome, data: bytes) -> Outcome:
    """The outcome once one more event of a stream has arrived. Events that say nothing about it are not even parsed."""
    if data.strip() == b"[DONE]":
        return replace(outcome, finished=True)
    if not any(mark in data for mark in _TELLING):
        return outcome
    event = _object(data)
    kind = event.get("type")
    if kind in _LAST_EVENTS:
        response = event.get("response")
        return of_body(response if isinstance(response, dict) else {})
    if kind == "error" or isinstance(event.get("error"), dict):
        return replace(outcome, finished=True, failure=error_words(event) or "the stream reported an error")
    if kind in ("message_start", "message_delta", "message_stop"):
        return _of_message(outcome, event)
    if "choices" in event:
        return replace(outcome, usage=usage.parse(event.get("usage")) or outcome.usage)
    return outcome


def brings_tokens(data: bytes) -> bool:
    """Whether an event of a stream brings something that the model made. Told by a few marks: it is asked for every event."""
    if not any(mark in data for mark in _TOKENS) or any(mark in data for mark in _NO_TOKENS):
        return False
    return not (b'"role"' in data and (b'"content":""' in data or b'"content": ""' in data))  # Chat Completions' first


def _of_message(outcome: Outcome, event: dict[str, object]) -> Outcome:
    """Anthropic's stream: counts are cumulative, and what a later event leaves out stays."""
    if event["type"] == "message_stop":
        return replace(outcome, finished=True)
    message = event.get("message") if event["type"] == "message_start" else event
    given = message.get("usage") if isinstance(message, dict) else None
    later = given if isinstance(given, dict) else {}
    counted = outcome.begun | {name: value for name, value in later.items() if value is not None}
    if event["type"] == "message_start":
        return replace(outcome, begun=counted)
    return replace(outcome, begun=counted, usage=usage.parse(counted) if counted else outcome.usage)


def of_json(body: bytes) -> Outcome:
    """The outcome of an answer that is one JSON object; anything else is a failure."""
    value = _object(body)
    if not value:
        return Outcome(failure="the answer is no JSON object")
    return of_body(value)


def of_tail(tail: bytes) -> Outcome:
    """The outcome of an answer that is one JSON object, of which there was no room for more than its end.

    Every API puts the usage there. What stands in a text does not look like it: there, quotation marks are escaped.
    """
    for found in reversed(list(_USAGE.finditer(tail))):
        try:
            value, _ = json.JSONDecoder().raw_decode(tail[found.end() :].decode(errors="replace"))
        except (ValueError, RecursionError):
            continue
        counted = usage.parse(value)
        if counted is not None and counted.tokens:
            return Outcome(usage=counted, finished=tail.rstrip().endswith(b"}"))
    return Outcome(failure="there was no room for the answer, and its end tells no usage")


def of_body(value: dict[str, object]) -> Outcome:
    """The outcome of a response object of any wire API."""
    failed = value.get("status") == "failed" or isinstance(value.get("error"), dict)
    failure = (error_words(value) or "the response failed") if failed else ""
    return Outcome(usage=usage.parse(value.get("usage")), finished=True, failure=failure)


def error_words(value: dict[str, object]) -> str:
    """Code and message of OpenAI's and Anthropic's error shapes, in one short line; empty where there is none."""
    error = value.get("error")
    source = error if isinstance(error, dict) else value
    if isinstance(error, str):
        return " ".join(error.split())[:MAX_SENTENCE]
    words = (str(source.get("code") or source.get("type") or ""), str(source.get("message") or ""))
    return " ".join(": ".join(word for word in words if word).split())[:MAX_SENTENCE] if words[1] else ""


def error_body_words(body: bytes) -> str:
    """The same for a body that may be anything."""
    value = _object(body)
    return error_words(value) if value else " ".join(body[:MAX_SENTENCE].decode(errors="replace").split())


def _object(data: bytes) -> dict[str, object]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}

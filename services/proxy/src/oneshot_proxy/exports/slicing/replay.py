"""The calls of a slice as a headless agent can be served them that is told the task alone, and talks to nobody.

What a person's session has and such a one has not goes: answers without a tool call, after which the agent would stop and the
person went on, are joined with the next one's; what the model had said before the session was recorded, or in an answer that
broke off, becomes an answer; failed calls are left out; and where the end call stood, the final message ends the work.
"""

import json
from collections.abc import Iterator
from dataclasses import replace

from oneshot_proxy import protocols
from oneshot_proxy.cassette import Item, emitted, is_emitted
from oneshot_proxy.exports import history
from oneshot_proxy.exports.cassette_answers import ended
from oneshot_proxy.exports.slicing import cut
from oneshot_proxy.protocols import reading
from oneshot_proxy.records import CallRecord
from oneshot_proxy.usage import Usage


class Conversation:
    """Takes the calls of the conversation itself, cut, in their order, and gives those that a replay is served from."""

    def __init__(self, final: str) -> None:
        self._final = cut.message(final)
        self._said: list[Item] = []
        self._waiting: CallRecord | None = None
        self._output: list[Item] = []
        self._before = 0
        self._last: tuple[CallRecord, list[Item]] | None = None

    def take(self, call: CallRecord) -> Iterator[CallRecord]:
        """What the next call, also one of which nothing is left, gives."""
        if not call.request_line.endswith("/responses"):
            yield call
            return
        items = reading.mappings((reading.json_object(call.request) or {}).get("input"))
        said = emitted(items)
        if said[: len(self._said)] == self._said:
            yield from self._missing(call, items)
        else:  # compacted, or gone back to earlier words
            yield from self._flush()
            self._said = said
        decoded = protocols.decode_answer(call)
        output = [item.raw for item in decoded.output] if decoded and not failed(call) else []
        self._last = call, [*items, *output]
        if output:
            yield from self._answer(call, items, output)

    def end(self) -> Iterator[CallRecord]:
        """The last answer: where the model's own words are not the last ones, the final message."""
        if self._waiting is None and self._last is not None:
            call, items = self._last
            yield _made(_blank(call), items, [self._final])
        yield from self._flush()

    def _missing(self, call: CallRecord, items: list[Item]) -> Iterator[CallRecord]:
        """Answers that no call gave, of what a request has of the model beyond the known: one ends with the results of its calls."""
        left, run = len(self._said), list[Item]()
        for at, item in enumerate(items):
            counts = bool(emitted([item]))
            if counts and left:
                left -= 1
            elif is_emitted(item) and not left:
                run.append(item)
            elif emitted(run) and item.get("type", "message") != "message":
                yield from self._answer(_blank(call), items[:at], run)
                run = []
        if emitted(run):
            yield from self._answer(_blank(call), items, run)

    def _answer(self, call: CallRecord, items: list[Item], output: list[Item]) -> Iterator[CallRecord]:
        if self._waiting is None:
            self._before = len(self._said)
        self._said = [*self._said, *emitted(output)]
        self._output = [*self._output, *output]
        own = self._output == output and call.response
        self._waiting = call if own else _made(call, _up_to(items, self._before), self._output)
        if any(item["type"] != "message" for item in emitted(self._output)):
            yield from self._flush()

    def _flush(self) -> Iterator[CallRecord]:
        if self._waiting is not None:
            yield self._waiting
        self._waiting, self._output = None, []


def failed(call: CallRecord) -> bool:
    """Whether a call has no whole answer."""
    decoded = protocols.decode_answer(call)
    return decoded is None or bool(history.failure_of(call, decoded))


def _up_to(items: list[Item], count: int) -> list[Item]:
    """All that no model said, and the first of what one said."""
    kept = []
    for item in items:
        if emitted([item]):
            count -= 1
        if not is_emitted(item) or count >= 0:
            kept.append(item)
    return kept


def _blank(call: CallRecord) -> CallRecord:
    """A call that was never recorded."""
    return replace(
        call,
        response=b"",
        usage=Usage(),
        status=200,
        error="",
        seconds=0.0,
        first_byte_seconds=0.0,
        first_token_seconds=0.0,
    )


def _made(call: CallRecord, items: list[Item], output: list[Item]) -> CallRecord:
    """A call with this conversation and this answer."""
    body = (reading.json_object(call.request) or {}) | {"input": items}
    response = ended(call.response) | {"status": "completed", "output": output}
    return replace(cut.answering(call, response), request=json.dumps(body).encode(), status=200, error="")

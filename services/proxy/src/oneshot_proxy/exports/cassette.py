"""A recorded session as a cassette: what a replay answers from. The format is described in oneshot_proxy.cassette.

The same session gives the same bytes each time. What tools answered and people said is kept as digests and first words
only, and of headers those that tell an agent when to try again.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator
from typing import Any

from pydantic import ValidationError

from oneshot_proxy import drift, offload, protocols, wire
from oneshot_proxy.cassette import Entry, Given, Header, Item, digest, emitted
from oneshot_proxy.exports import cassette_answers as answers
from oneshot_proxy.exports.contract import Losses
from oneshot_proxy.protocols import reading
from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_proxy.substitution import Substitution
from oneshot_shared.errors import BadInput

# what drift takes for a handle: a UUID or a number
_ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\d+", re.IGNORECASE)


async def export(session: SessionRecord, calls: AsyncIterator[CallRecord], losses: Losses) -> AsyncIterator[bytes]:
    """The lines. :raises BadInput: the session spoke another API than Responses, or holds no answered call."""
    tape = _Tape(session.session_id, losses)
    async for call in calls:
        await offload.run(len(call.request), tape.add, call)
    if not tape.entries or not (session.model or tape.model):  # what names no model was no model call
        raise BadInput(
            f"session {session.session_id!r} holds no model call that was answered: there is nothing to replay"
        )
    header = Header(
        format="oneshot-cassette/1",
        wire_api="responses",
        model=session.model or tape.model,
        origin=f"recorded session {session.session_id}",
        cwd=tape.cwd_word if tape.cwd else "",
        stopped_by=session.stopped_by,
    )
    yield _line(header.model_dump(exclude_defaults=True))
    for entry in await asyncio.to_thread(tape.finished):
        yield _line(entry.model_dump(exclude_defaults=True))


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


class _Tape:
    """Entries as calls come. Of a call nothing is held but its answer, and what its request brought that was new."""

    def __init__(self, session_id: str, losses: Losses) -> None:
        self.entries: list[Entry] = []
        self.model = ""
        self.cwd = ""
        # no text has it by chance
        self.cwd_word = f"{{cwd-{hashlib.sha256(session_id.encode()).hexdigest()[:8]}}}"
        self._session_id = session_id
        self._losses = losses
        self._seen: dict[tuple[str, str], str] = {}
        self._memo: dict[bytes, Given] = {}
        self._instructions = ""
        self._tools: dict[str, str] = {}

    def add(self, call: CallRecord) -> None:
        """Take a call. :raises BadInput: a model call of another API, or an answer, that no cassette can hold."""
        api = call.wire_api or protocols.wire_api(call.request_line)
        if not api or answers.refused(call):
            self._losses.add("calls that the proxy refused, and traffic of no model API")
            return
        if api != "responses":
            raise BadInput(
                f"session {self._session_id!r} spoke the {api} API, and cassettes hold the Responses API only; export it as "
                "atif or raw"
            )
        if not call.request_line.endswith("/responses"):
            self._losses.add(f"calls of {call.request_line}")
            return
        self._add(call, reading.json_object(call.request) or {})

    def _add(self, call: CallRecord, body: Item) -> None:
        items = wire.Request("responses", body).items
        self.cwd = self.cwd or drift.cwd_of(items)
        model = str(body.get("model") or "")
        self.model = self.model or model
        if model != self.model:
            self._losses.add(f"that some answers came from {model}")
        terms = Substitution({self.cwd: self.cwd_word} if self.cwd else {})
        answer = answers.answer(call)
        after = digest(emitted([terms.applied(item) for item in items]))
        fields = self._settings(body) | answer | {"after": after, "given": self._new(items, after)}
        fields["output"] = [terms.applied(item) for item in answer.get("output", [])]
        try:
            self.entries.append(Entry(**fields))
        except ValidationError as error:
            words = f"no cassette holds the answer of call {call.seq} of session {self._session_id!r}"
            raise BadInput(f"{words}: {error.errors()[0]['msg']}; export it as atif or raw") from None

    def _new(self, items: list[Item], after: str) -> tuple[Given, ...]:
        """What no answer after other words was given: those after the same words are told apart by it."""
        found = drift.given(items, self.cwd, self._memo)
        return tuple(each for each in found if self._seen.setdefault((each.of, each.sha256), after) == after)

    def _settings(self, body: Item) -> dict[str, Any]:
        """What differs from the entry before."""
        instructions, tools = drift.instructions(body, self.cwd), drift.tools(body)
        changed: dict[str, Any] = {}
        if instructions != self._instructions:
            changed["instructions"] = self._instructions = instructions
        if tools != self._tools:
            changed["tools"] = self._tools = tools
        return changed

    def finished(self) -> list[Entry]:
        """The entries; of the ids that tools gave, those stay that the model used."""
        said = json.dumps([entry.output for entry in self.entries], ensure_ascii=False)
        used = set(_ID.findall(said))
        return [
            entry.model_copy(update={"given": tuple(_with_handles(each, used) for each in entry.given)})
            for entry in self.entries
        ]


def _with_handles(given: Given, used: set[str]) -> Given:
    return given if used.intersection(given.handles) else given.model_copy(update={"handles": ()})

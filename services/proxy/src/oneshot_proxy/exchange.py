"""One HTTP exchange on its way through the gateway, and the record that is left of it."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace

from mitmproxy.http import HTTPFlow

from oneshot_proxy import headers, protocols, redact, refusal
from oneshot_proxy.records import CallRecord
from oneshot_proxy.refusal import Refusal
from oneshot_proxy.room import Kept, Share
from oneshot_proxy.session import Session
from oneshot_proxy.tee import Tee
from oneshot_proxy.usage import Usage

_KEY = "oneshot"
MAX_REFUSED = 64 * 1024 * 1024
"""Bytes of refused requests that are kept of one session: they cost an agent nothing, and the disk is everybody's."""


@dataclass
class Exchange:
    """Belongs to the session whose token it carried. `forwarded`: the upstream, or the cassette, was asked.

    `cut`: the limit at which we ourselves broke it off; empty otherwise.
    `wire_api`, `host`, `price_id` and `model` are a call's own in a live session; `kept` is its request as it passed.
    `unread`: why the answer's bytes could not all be kept; empty when they are.
    `share` is what its bodies take of the memory for all; whoever records it gives that back.
    `over`: nothing more will come.
    `recorded`: its record is made, or being made; an upstream may answer before the request has ended, and what comes later is not kept.
    `reader` understands a live session's request, in the task `reading`; None for others, whose requests are understood before they
    go on.
    """

    session: Session
    seq: int
    request_line: str
    started_at: float = field(default_factory=time.time)
    request: bytes = b""
    problem: str = ""
    forwarded: bool = False
    cut: str = ""
    tee: Tee | None = None
    usage: Usage | None = None
    wire_api: str = ""
    host: str = ""
    price_id: str = ""
    model: str = ""
    request_fields: tuple[tuple[bytes, bytes], ...] = ()
    response_fields: tuple[tuple[bytes, bytes], ...] = ()
    unread: str = ""
    decoded: bool = False
    over: bool = False
    recorded: bool = False
    reader: Callable[[], Coroutine[None, None, None]] | None = None
    reading: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.share = Share(self.session.room)
        self.kept = Kept(self.share)
        self._clean: tuple[bytes, tuple[bytes, ...]] = b"", ()

    @property
    def upstream_name(self) -> str:
        """Who answers, for sentences."""
        return self.session.spec.upstream or self.host

    @property
    def asks_model(self) -> bool:
        """Whether it is a model's answer that counts. A live session's may also be a count of tokens, or a look at an old answer."""
        return not self.session.live or bool(self.wire_api or protocols.wire_api(self.request_line))

    def keep_request(self, chunk: bytes) -> bytes:
        """The tee in a request's stream."""
        if not self.recorded:
            self.kept.add(chunk)
        return chunk

    def expect(self, size: int) -> None:
        """Hold the room for a request of so many bytes. :raises Refusal: there is none; then nothing of it may be kept."""
        most = self.session.room.size
        if size > most:
            words = f"the request has {size} bytes; there is room for {most} of one session: send less, or give the proxy more memory"
            raise Refusal(refusal.BAD_REQUEST, words)
        if not self.share.hold(size):
            raise Refusal(refusal.BUSY, f"there is no room now for the {size} bytes of the request: wait", 429)

    def understand(self) -> None:
        """Begin to understand a live session's request, once, beside the call: that must not wait."""
        if self.reader is not None and self.reading is None:
            self.reading = asyncio.get_running_loop().create_task(self.reader())

    async def understood(self) -> None:
        """Wait until it is."""
        self.understand()
        if self.reading is not None:
            await self.reading

    def keep(self, content: bytes) -> None:
        """Keep a request that has come whole. :raises Refusal: as `expect` says."""
        self.expect(len(content))
        self.request = content

    def refuse(self, why: str) -> None:
        """It does not go on; its body is kept as long as a session's refused ones are no more than MAX_REFUSED bytes."""
        self.problem = why
        self.session.refused_bytes += len(self.request)
        if self.session.refused_bytes > MAX_REFUSED:
            self.request = b""
            self.problem += f"; its body is not kept: more than {MAX_REFUSED} bytes were refused in this session"

    def count(self, usage: Usage | None) -> None:
        """Count the call's usage into the session, once: as soon as it is known, for the next call's budget.

        What a live session's call costs is known when its request is understood.
        """
        waits = self.reader is not None and not (self.reading and self.reading.done())
        if usage is not None and self.usage is None and not waits and self.asks_model:
            self.usage = self.session.price(usage, self.price_id, self.model)
            self.session.usage += self.usage
            self.session.greatest_input = max(self.session.greatest_input, usage.input_tokens)

    def end(self, status: int, response: bytes, *, left: bool = False) -> None:
        """When nothing more will come; the first time counts. `left`: the agent did not wait for it, perhaps not even for the status;
        the model works all the same."""
        if not self.forwarded or self.over:
            return
        self.over = True
        self.session.in_flight -= 1
        if self.usage is None and self.asks_model and (200 <= status < 300 or (left and not status)):
            received = self.tee.passed if self.tee else 0  # what was not kept has been paid for as well
            self.session.charge(max(len(self.request), self.kept.passed), max(len(response), received))

    def release(self) -> None:
        """Once, when its record is queued, or lost."""
        self.recorded = True
        self.session.unrecorded -= 1
        self.share.give_back()

    def begun(self, patterns: tuple[bytes, ...]) -> CallRecord:
        """What is kept of a call that is on its way, without any key."""
        return self._record(0, "", b"", patterns)

    def ended(self, status: int, content_type: str, response: bytes, patterns: tuple[bytes, ...]) -> CallRecord:
        """What is kept, without any key, and what of the answer was not understood; `decoded` is known afterwards.

        A call is decoded when how its answer ended, or what the model said, is found. Something new beside that is only named:
        an API that adds an event must not spoil every run.
        """
        record = self._record(status, content_type, response, patterns)
        call = protocols.decode_answer(record)
        if call is None:
            return record
        self.decoded = bool(call.finish or call.output) and not self.unread
        return replace(record, undecoded=(*call.unknown, *((self.unread,) if self.unread else ())))

    def _record(self, status: int, content_type: str, response: bytes, patterns: tuple[bytes, ...]) -> CallRecord:
        now, tee = time.time(), self.tee
        if self._clean != (self.request, patterns):  # most calls are recorded twice: when they begin, and when they end
            self.request = redact.clean(self.request, patterns)
            self._clean = self.request, patterns
        return CallRecord(
            session_id=self.session.spec.session_id,
            seq=self.seq,
            request_line=redact.clean_text(self.request_line, patterns),
            request=self.request,
            status=status,
            content_type=redact.clean_text(content_type, patterns),
            response=redact.clean(response, patterns),
            started_at=self.started_at,
            first_byte_seconds=self._since(tee.first_byte_at if tee else now if response else 0.0),
            seconds=max(0.0, now - self.started_at),
            usage=self.usage or Usage(),
            error=redact.clean_text(self.problem, patterns),
            request_headers=headers.kept(self.request_fields, patterns),
            response_headers=headers.kept(self.response_fields, patterns),
            wire_api=self.wire_api or protocols.wire_api(self.request_line),
            first_token_seconds=self._since(tee.first_token_at if tee and 200 <= status < 300 else 0.0),
            last_token_seconds=self._since(tee.last_token_at if tee and 200 <= status < 300 else 0.0),
        )

    def _since(self, when: float) -> float:
        return max(0.0, when - self.started_at) if when else 0.0


def begin(flow: HTTPFlow, session: Session) -> Exchange:
    """Attach a new exchange to a flow."""
    session.calls += 1
    session.unrecorded += 1
    path = flow.request.path.split("?", 1)[0]
    exchange = Exchange(session, session.calls, f"{flow.request.method} {path}")
    exchange.request_fields = flow.request.headers.fields  # before the gate puts the key in
    flow.metadata[_KEY] = exchange
    return exchange


def of(flow: HTTPFlow) -> Exchange | None:
    """The exchange of a flow; None where its token was unknown."""
    found = flow.metadata.get(_KEY)
    return found if isinstance(found, Exchange) else None

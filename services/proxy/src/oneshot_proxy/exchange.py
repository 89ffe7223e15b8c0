"""One HTTP exchange on its way through the gateway, and the record that is left of it."""

import time
from dataclasses import dataclass, field

from mitmproxy.http import HTTPFlow

from oneshot_proxy import redact
from oneshot_proxy.records import CallRecord
from oneshot_proxy.room import Kept, Share
from oneshot_proxy.session import Session
from oneshot_proxy.tee import Tee
from oneshot_proxy.usage import Usage

_KEY = "oneshot"


@dataclass
class Exchange:
    """Belongs to the session whose token it carried. `forwarded`: the upstream, or the cassette, was asked.

    `cut`: the limit at which we ourselves broke it off; empty otherwise.
    `wire_api`, `host`, `price_id` and `model` are a call's own in a live session; `kept` is its request as it passed.
    `share` is what its bodies take of the memory for all; whoever records it gives that back.
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

    def __post_init__(self) -> None:
        self.share = Share(self.session.room)
        self.kept = Kept(self.share)

    @property
    def upstream_name(self) -> str:
        """Who answers, for sentences."""
        return self.session.spec.upstream or self.host

    def keep_request(self, chunk: bytes) -> bytes:
        """The tee in a request's stream."""
        self.kept.add(chunk)
        return chunk

    def keep(self, content: bytes) -> None:
        """Keep a request that has come whole, as far as there is room."""
        taken = self.share.take(len(content))
        self.request = content[:taken]
        if taken < len(content):
            self.problem = f"only the first {taken} bytes of the request were kept"

    def count(self, usage: Usage | None) -> None:
        """Count the call's usage into the session, once: as soon as it is known, for the next call's budget."""
        if usage is not None and self.usage is None:
            self.usage = self.session.price(usage, self.price_id, self.model)
            self.session.usage += self.usage

    def end(self, status: int, response: bytes) -> None:
        """Once, when nothing more will come."""
        if not self.forwarded:
            return
        self.session.in_flight -= 1
        if self.usage is None and 200 <= status < 300:
            self.session.charge(len(self.request), len(response))

    def record(self, status: int, content_type: str, response: bytes, patterns: tuple[bytes, ...]) -> CallRecord:
        """What is kept, without any key."""
        now = time.time()
        first = self.tee.first_byte_at if self.tee else now if response else 0.0
        return CallRecord(
            session_id=self.session.spec.session_id,
            seq=self.seq,
            request_line=redact.clean_text(self.request_line, patterns),
            request=redact.clean(self.request, patterns),
            status=status,
            content_type=redact.clean_text(content_type, patterns),
            response=redact.clean(response, patterns),
            started_at=self.started_at,
            first_byte_seconds=max(0.0, first - self.started_at) if first else 0.0,
            seconds=max(0.0, now - self.started_at),
            usage=self.usage or Usage(),
            error=redact.clean_text(self.problem, patterns),
            wire_api=self.wire_api,
        )


def begin(flow: HTTPFlow, session: Session) -> Exchange:
    """Attach a new exchange to a flow."""
    session.calls += 1
    path = flow.request.path.split("?", 1)[0]
    exchange = Exchange(session, session.calls, f"{flow.request.method} {path}")
    flow.metadata[_KEY] = exchange
    return exchange


def of(flow: HTTPFlow) -> Exchange | None:
    """The exchange of a flow; None where its token was unknown."""
    found = flow.metadata.get(_KEY)
    return found if isinstance(found, Exchange) else None

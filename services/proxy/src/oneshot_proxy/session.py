"""One open session: its identity, what it may do, and what it has used so far."""

import hashlib
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from oneshot_proxy import alarms, prices, redact
from oneshot_proxy.outcome import Outcome
from oneshot_proxy.player import Player
from oneshot_proxy.records import SessionRecord
from oneshot_proxy.room import Room
from oneshot_proxy.usage import Usage
from oneshot_shared.providers import Upstream


@dataclass(frozen=True)
class Limits:
    """What ends a session early; 0 means no limit of that kind."""

    wall_seconds: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    requests: int = 0


type Kind = Literal["run", "live", "judge"]
# a token dies even where nobody closes its session: that of a forgotten shell, or of a run whose orchestrator is gone
MAX_SECONDS: dict[Kind, int] = {"run": 24 * 3600, "live": 7 * 24 * 3600, "judge": 24 * 3600}

_MAX_LEARNED = 256


@dataclass(frozen=True)
class Spec:
    """What was asked for. Two equal ones under one id are the same session. `cassette` is (name, content).

    A live session has no model and no upstream.
    `recorded_session` names the one whose calls answer, `recorded_timing` whether at their pace.
    """

    session_id: str
    model: str
    provider: str = ""
    cassette: tuple[str, bytes] | None = None
    limits: Limits = Limits()
    kind: Kind = "run"
    recorded_session: str = ""
    recorded_timing: bool = False

    @property
    def upstream(self) -> str:
        """How records name the place that answers."""
        replayed = self.cassette[0] if self.cassette else self.recorded_session
        return f"replay:{replayed}" if replayed else self.provider


def token_digest(token: str) -> bytes:
    """What a token is found by: a comparison of digests gives no timing away."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


@dataclass
class Session:
    """A session while its token is known. Exactly one of `upstream` and `player` is set, neither for a live one."""

    spec: Spec
    upstream: Upstream | None
    player: Player | None
    price_known: bool
    room: Room = field(default_factory=Room)
    token: str = ""
    opened_at: float = field(default_factory=time.time)
    closed_at: float = 0.0
    calls: int = 0
    calls_succeeded: int = 0
    calls_decoded: int = 0
    requests: int = 0
    in_flight: int = 0
    unrecorded: int = 0
    refused_bytes: int = 0
    usage: Usage = field(default_factory=Usage)
    whole: Usage = field(default_factory=Usage)
    unreported: Usage = field(default_factory=Usage)
    greatest_input: int = 0
    agent_usage: Usage | None = None
    trouble: Counter[str] = field(default_factory=Counter)
    stopped_by: str = ""
    upstream_failure: str = ""
    learned: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        self.token = f"osb.{self.spec.session_id}.{secrets.token_urlsafe(32)}"
        self._monotonic = time.monotonic()
        self.usage = Usage(cost_usd=0.0 if self.price_known else None)
        self.upstream_patterns = redact.spellings(self.upstream.key) if self.upstream else ()
        self.token_patterns = redact.spellings(self.token)

    @property
    def live(self) -> bool:
        """Whether it is a person's: her own login passes, and trouble never refuses."""
        return self.spec.kind == "live"

    def learn(self, credential: str) -> None:
        """Keep a person's own credential out of every record from now on: the last ones, as each record is searched for all of them."""
        new = [pattern for pattern in redact.spellings(credential) if pattern not in self.learned]
        if new:
            self.learned = (*self.learned, *new)[-_MAX_LEARNED:]

    @property
    def max_seconds(self) -> int:
        """When the token dies, in seconds from the opening."""
        return self.spec.limits.wall_seconds or MAX_SECONDS[self.spec.kind]

    @property
    def seconds(self) -> float:
        """Wall time since the opening, by a clock that nobody sets."""
        return time.monotonic() - self._monotonic

    @property
    def seconds_left(self) -> float:
        """Wall time that is left."""
        return max(0.0, self.max_seconds - self.seconds)

    @property
    def expired(self) -> bool:
        """Whether the token is dead of age: the wall limit has passed, or the greatest age of its kind."""
        return self.max_seconds <= self.seconds

    def exceeded(self) -> str:
        """The limit that is reached, as a sentence with the value that reached it; empty when none is."""
        charged = self.usage + self.unreported
        limits, cost = self.spec.limits, charged.cost_usd
        guessed = f", {self.unreported.tokens} of them estimated" if self.unreported.tokens else ""
        if self.expired:
            return f"wall time limit {self.max_seconds} s reached ({self.seconds:.0f})"
        if 0 < limits.tokens <= charged.tokens:
            return f"token limit {limits.tokens} reached ({charged.tokens}{guessed})"
        if cost is not None and 0 < limits.cost_usd <= cost:
            return f"cost limit {limits.cost_usd:g} USD reached ({cost:.4f})"
        if 0 < limits.requests <= self.requests:
            return f"request limit {limits.requests} reached ({self.requests})"
        return ""

    def stop(self, reached: str) -> str:
        """A limit is reached; the first one stays in the record. Returns it as given."""
        self.stopped_by = self.stopped_by or reached
        return reached

    def price(self, usage: Usage, price_id: str = "", model: str = "") -> Usage:
        """A call's usage with its cost; in a live session, each call has a price and model of its own. What a cassette
        answers costs nothing."""
        if self.player is not None:
            return usage.costing(0.0)
        if self.upstream is not None:
            price_id, model = self.upstream.provider.price_id, self.spec.model
        return usage.costing(prices.cost(price_id, model, usage))

    def charge(self, sent: int, received: int) -> None:
        """Charge the limits, never the usage, with a call that was answered without usage: an agent that leaves just before
        the end, or an API that reports none, must not be free. Four bytes count as one token; the input is no less than the
        greatest one that is known."""
        given = max(sent // 4 + 1, self.greatest_input)
        self.unreported += self.price(Usage(input_tokens=given, output_tokens=received // 4 + 1))

    def settle(self, status: int, outcome: Outcome, failure: str, *, decoded: bool = True) -> None:
        """Count an answer of the upstream. `failure` is empty where it was none of the upstream's doing."""
        if 200 <= status < 300 and outcome.finished and not outcome.failure:
            self.calls_succeeded += 1
            self.calls_decoded += decoded
            self.whole += outcome.usage or Usage()
            self.upstream_failure = ""
        elif failure:
            self.upstream_failure = failure

    def _alarms(self) -> tuple[str, ...]:
        """What is wrong with the recording, a sentence each."""
        return alarms.sentences(
            alarms.Seen(
                closed=bool(self.closed_at),
                live=self.live,
                succeeded=self.calls_succeeded,
                decoded=self.calls_decoded,
                whole=self.whole,
                agent=self.agent_usage,
                trouble=self.trouble,
                calls=self.calls,
                failure=self.upstream_failure,
            )
        )

    def record(self) -> SessionRecord:
        """The session as it stands."""
        return SessionRecord(
            session_id=self.spec.session_id,
            model=self.spec.model,
            upstream=self.spec.upstream,
            opened_at=self.opened_at,
            expires_at=self.opened_at + self.max_seconds,
            closed_at=self.closed_at,
            calls=self.calls,
            calls_succeeded=self.calls_succeeded,
            usage=self.usage,
            stopped_by=self.stopped_by,
            upstream_failure=self.upstream_failure,
            kind=self.spec.kind,
            calls_decoded=self.calls_decoded,
            alarms=self._alarms(),
            drift=tuple(self.player.drift) if self.player else (),
        )

"""What the store keeps: one record a session, one record a call. Times are Unix seconds."""

from dataclasses import dataclass
from typing import Literal

from oneshot_proxy.usage import Usage


@dataclass(frozen=True)
class SessionRecord:
    """A session as it stands. Its token dies at `expires_at`; `closed_at` is 0 while it is known."""

    session_id: str
    model: str
    upstream: str
    opened_at: float
    expires_at: float
    closed_at: float
    calls: int
    calls_succeeded: int
    usage: Usage
    stopped_by: str
    upstream_failure: str
    kind: Literal["run", "live", "judge"] = "run"
    calls_decoded: int = 0
    alarms: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    stored_bytes: int = 0
    body_bytes: int = 0

    def is_open(self, now: float) -> bool:
        """Whether the token is still accepted."""
        return not self.closed_at and (not self.expires_at or now < self.expires_at)


@dataclass(frozen=True)
class CallRecord:
    """One exchange. Bodies are decoded and hold no key; `status` is 0 where no answer came.

    Headers are in lower case, without credentials and cookies. `wire_api` is empty for traffic of no known model API;
    `undecoded` says what in the answer was not understood.
    """

    session_id: str
    seq: int
    request_line: str
    request: bytes
    status: int
    content_type: str
    response: bytes
    started_at: float
    first_byte_seconds: float
    seconds: float
    usage: Usage
    error: str
    request_headers: tuple[tuple[str, str], ...] = ()
    response_headers: tuple[tuple[str, str], ...] = ()
    wire_api: str = ""
    first_token_seconds: float = 0.0
    last_token_seconds: float = 0.0
    undecoded: tuple[str, ...] = ()

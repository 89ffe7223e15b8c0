"""What the store keeps: one record a session, one record a call. Times are Unix seconds."""

from dataclasses import dataclass

from oneshot_proxy.usage import Usage


@dataclass(frozen=True)
class SessionRecord:
    """A session as it stands. `expires_at` is 0 without a wall limit, `closed_at` is 0 while its token is known."""

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

    def is_open(self, now: float) -> bool:
        """Whether the token is still accepted."""
        return not self.closed_at and (not self.expires_at or now < self.expires_at)


@dataclass(frozen=True)
class CallRecord:
    """One exchange. Bodies are decoded and hold no key; `status` is 0 where no answer came."""

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

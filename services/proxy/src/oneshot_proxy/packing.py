"""Between records and the messages of the contract."""

import datetime as dt

from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot_proxy.exports.contract import Slice
from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_proxy.session import Kind, Limits, Spec
from oneshot_proxy.usage import Usage
from oneshot_shared.errors import BadInput

PIECE_BYTES = 1024 * 1024
KINDS: dict[Kind, pb.SessionKind] = {
    "run": pb.SESSION_KIND_RUN,
    "live": pb.SESSION_KIND_LIVE,
    "judge": pb.SESSION_KIND_JUDGE,
}
_NAMES: dict[pb.SessionKind, Kind] = {number: name for name, number in KINDS.items()}


def spec(request: pb.OpenSessionRequest) -> Spec:
    """What a caller asks for. :raises BadInput: it names no upstream, or a live session names one, or a model."""
    kind = _NAMES.get(request.kind or pb.SESSION_KIND_RUN)
    if kind is None:
        raise BadInput(f"session kind {request.kind} is unknown; known: {', '.join(KINDS)}")
    upstream = request.WhichOneof("upstream")
    if kind == "live" and (upstream or request.model):
        given = request.cassette.name if upstream == "cassette" else getattr(request, upstream or "model")
        words = f"{(upstream or 'model').replace('_', ' ')} {given[:80]!r}"
        raise BadInput(f"a live session takes the person's own models and logins; leave the {words} out")
    if kind != "live" and upstream is None:
        raise BadInput("the session has no upstream; set a provider, a cassette or a recorded session")
    tape = (request.cassette.name, request.cassette.content) if request.HasField("cassette") else None
    asked = request.limits
    limits = Limits(asked.wall_seconds, asked.tokens, asked.cost_usd, asked.requests)
    return Spec(
        request.session_id,
        request.model,
        request.provider,
        tape,
        limits,
        kind,
        request.recorded_session,
        request.recorded_timing,
    )


def part(asked: pb.Slice) -> Slice:
    """What of a session a caller asks for. :raises BadInput: no task is named."""
    if not asked.task_id:
        raise BadInput("the slice names no task; give its id, as `oneshot trace export --task` does")
    return Slice(
        task_id=asked.task_id,
        thread_id=asked.thread_id,
        begin_call_id=asked.begin_call_id,
        end_call_id=asked.end_call_id,
        repository=asked.repository.rstrip("/"),
        final_message=asked.final_message,
    )


def session(record: SessionRecord) -> pb.Session:
    """A session as it stands now."""
    now = dt.datetime.now(dt.UTC).timestamp()
    is_open = record.is_open(now)
    closed_at = record.closed_at or record.expires_at
    return pb.Session(
        session_id=record.session_id,
        model=record.model,
        upstream=record.upstream,
        open=is_open,
        calls=record.calls,
        calls_succeeded=record.calls_succeeded,
        usage=usage(record.usage),
        stopped_by=record.stopped_by,
        upstream_failure=record.upstream_failure,
        opened_at=_rfc3339(record.opened_at),
        kind=KINDS[record.kind],
        closed_at="" if is_open else _rfc3339(closed_at),
        calls_decoded=record.calls_decoded,
        alarms=record.alarms,
        drift=record.drift,
        stored_bytes=record.stored_bytes,
        body_bytes=record.body_bytes,
    )


def call(record: CallRecord) -> pb.Call:
    """A call with the first piece of its bodies."""
    return pb.Call(
        seq=record.seq,
        request_line=record.request_line,
        request=record.request[:PIECE_BYTES],
        status=record.status,
        content_type=record.content_type,
        response=record.response[:PIECE_BYTES],
        started_at=record.started_at,
        first_byte_seconds=record.first_byte_seconds,
        seconds=record.seconds,
        usage=usage(record.usage),
        error=record.error,
        request_headers=dict(record.request_headers),
        response_headers=dict(record.response_headers),
        wire_api=record.wire_api,
        first_token_seconds=record.first_token_seconds,
        last_token_seconds=record.last_token_seconds,
        undecoded=record.undecoded,
    )


def usage(counted: Usage) -> pb.Usage:
    """Tokens and cost."""
    return pb.Usage(
        input_tokens=counted.input_tokens,
        cached_tokens=counted.cached_tokens,
        output_tokens=counted.output_tokens,
        reasoning_tokens=counted.reasoning_tokens,
        cost_usd=counted.cost_usd,
        cache_write_tokens=counted.cache_write_tokens,
    )


def counted(reported: pb.Usage) -> Usage:
    """What an agent says that it used; its idea of the cost does not count."""
    return Usage(
        reported.input_tokens, reported.cached_tokens, reported.output_tokens, reported.reasoning_tokens, cost_usd=None
    )


def _rfc3339(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

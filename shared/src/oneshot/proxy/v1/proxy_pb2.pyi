from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SessionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SESSION_KIND_UNSPECIFIED: _ClassVar[SessionKind]
    SESSION_KIND_RUN: _ClassVar[SessionKind]
    SESSION_KIND_LIVE: _ClassVar[SessionKind]
    SESSION_KIND_JUDGE: _ClassVar[SessionKind]

class TraceFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRACE_FORMAT_UNSPECIFIED: _ClassVar[TraceFormat]
    TRACE_FORMAT_ATIF: _ClassVar[TraceFormat]
    TRACE_FORMAT_ROLLOUT: _ClassVar[TraceFormat]
    TRACE_FORMAT_CASSETTE: _ClassVar[TraceFormat]
    TRACE_FORMAT_RAW: _ClassVar[TraceFormat]
SESSION_KIND_UNSPECIFIED: SessionKind
SESSION_KIND_RUN: SessionKind
SESSION_KIND_LIVE: SessionKind
SESSION_KIND_JUDGE: SessionKind
TRACE_FORMAT_UNSPECIFIED: TraceFormat
TRACE_FORMAT_ATIF: TraceFormat
TRACE_FORMAT_ROLLOUT: TraceFormat
TRACE_FORMAT_CASSETTE: TraceFormat
TRACE_FORMAT_RAW: TraceFormat

class PutKeysRequest(_message.Message):
    __slots__ = ("variables",)
    class VariablesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    variables: _containers.ScalarMap[str, str]
    def __init__(self, variables: _Optional[_Mapping[str, str]] = ...) -> None: ...

class PutKeysResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Limits(_message.Message):
    __slots__ = ("wall_seconds", "tokens", "cost_usd", "requests")
    WALL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    wall_seconds: int
    tokens: int
    cost_usd: float
    requests: int
    def __init__(self, wall_seconds: _Optional[int] = ..., tokens: _Optional[int] = ..., cost_usd: _Optional[float] = ..., requests: _Optional[int] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens", "cost_usd", "cache_write_tokens")
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    REASONING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost_usd: float
    cache_write_tokens: int
    def __init__(self, input_tokens: _Optional[int] = ..., cached_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., reasoning_tokens: _Optional[int] = ..., cost_usd: _Optional[float] = ..., cache_write_tokens: _Optional[int] = ...) -> None: ...

class Cassette(_message.Message):
    __slots__ = ("name", "content")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    content: bytes
    def __init__(self, name: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class OpenSessionRequest(_message.Message):
    __slots__ = ("session_id", "model", "provider", "cassette", "recorded_session", "limits", "validate_only", "kind", "recorded_timing")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    CASSETTE_FIELD_NUMBER: _ClassVar[int]
    RECORDED_SESSION_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    RECORDED_TIMING_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    model: str
    provider: str
    cassette: Cassette
    recorded_session: str
    limits: Limits
    validate_only: bool
    kind: SessionKind
    recorded_timing: bool
    def __init__(self, session_id: _Optional[str] = ..., model: _Optional[str] = ..., provider: _Optional[str] = ..., cassette: _Optional[_Union[Cassette, _Mapping]] = ..., recorded_session: _Optional[str] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., validate_only: _Optional[bool] = ..., kind: _Optional[_Union[SessionKind, str]] = ..., recorded_timing: _Optional[bool] = ...) -> None: ...

class OpenSessionResponse(_message.Message):
    __slots__ = ("token", "gateway_port", "gateway_socket", "price_known", "forward_port", "ca_certificate")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_PORT_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_SOCKET_FIELD_NUMBER: _ClassVar[int]
    PRICE_KNOWN_FIELD_NUMBER: _ClassVar[int]
    FORWARD_PORT_FIELD_NUMBER: _ClassVar[int]
    CA_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    token: str
    gateway_port: int
    gateway_socket: str
    price_known: bool
    forward_port: int
    ca_certificate: str
    def __init__(self, token: _Optional[str] = ..., gateway_port: _Optional[int] = ..., gateway_socket: _Optional[str] = ..., price_known: _Optional[bool] = ..., forward_port: _Optional[int] = ..., ca_certificate: _Optional[str] = ...) -> None: ...

class Session(_message.Message):
    __slots__ = ("session_id", "model", "upstream", "open", "calls", "calls_succeeded", "usage", "stopped_by", "upstream_failure", "opened_at", "kind", "closed_at", "calls_decoded", "alarms", "drift", "stored_bytes", "body_bytes")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    UPSTREAM_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    CALLS_SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    STOPPED_BY_FIELD_NUMBER: _ClassVar[int]
    UPSTREAM_FAILURE_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_FIELD_NUMBER: _ClassVar[int]
    CALLS_DECODED_FIELD_NUMBER: _ClassVar[int]
    ALARMS_FIELD_NUMBER: _ClassVar[int]
    DRIFT_FIELD_NUMBER: _ClassVar[int]
    STORED_BYTES_FIELD_NUMBER: _ClassVar[int]
    BODY_BYTES_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    model: str
    upstream: str
    open: bool
    calls: int
    calls_succeeded: int
    usage: Usage
    stopped_by: str
    upstream_failure: str
    opened_at: str
    kind: SessionKind
    closed_at: str
    calls_decoded: int
    alarms: _containers.RepeatedScalarFieldContainer[str]
    drift: _containers.RepeatedScalarFieldContainer[str]
    stored_bytes: int
    body_bytes: int
    def __init__(self, session_id: _Optional[str] = ..., model: _Optional[str] = ..., upstream: _Optional[str] = ..., open: _Optional[bool] = ..., calls: _Optional[int] = ..., calls_succeeded: _Optional[int] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., stopped_by: _Optional[str] = ..., upstream_failure: _Optional[str] = ..., opened_at: _Optional[str] = ..., kind: _Optional[_Union[SessionKind, str]] = ..., closed_at: _Optional[str] = ..., calls_decoded: _Optional[int] = ..., alarms: _Optional[_Iterable[str]] = ..., drift: _Optional[_Iterable[str]] = ..., stored_bytes: _Optional[int] = ..., body_bytes: _Optional[int] = ...) -> None: ...

class CloseSessionRequest(_message.Message):
    __slots__ = ("session_id", "agent_usage")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_USAGE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    agent_usage: Usage
    def __init__(self, session_id: _Optional[str] = ..., agent_usage: _Optional[_Union[Usage, _Mapping]] = ...) -> None: ...

class HoldSessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class HoldSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: Session
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class CloseSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: Session
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class GetSessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class GetSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: Session
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class ListSessionsRequest(_message.Message):
    __slots__ = ("limit",)
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    limit: int
    def __init__(self, limit: _Optional[int] = ...) -> None: ...

class ListSessionsResponse(_message.Message):
    __slots__ = ("sessions",)
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    sessions: _containers.RepeatedCompositeFieldContainer[Session]
    def __init__(self, sessions: _Optional[_Iterable[_Union[Session, _Mapping]]] = ...) -> None: ...

class StreamCallsRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class StreamCallsResponse(_message.Message):
    __slots__ = ("call",)
    CALL_FIELD_NUMBER: _ClassVar[int]
    call: Call
    def __init__(self, call: _Optional[_Union[Call, _Mapping]] = ...) -> None: ...

class Call(_message.Message):
    __slots__ = ("seq", "request_line", "request", "status", "content_type", "response", "started_at", "first_byte_seconds", "seconds", "usage", "error", "request_headers", "response_headers", "wire_api", "first_token_seconds", "last_token_seconds", "undecoded")
    class RequestHeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ResponseHeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SEQ_FIELD_NUMBER: _ClassVar[int]
    REQUEST_LINE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    FIRST_BYTE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    REQUEST_HEADERS_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_HEADERS_FIELD_NUMBER: _ClassVar[int]
    WIRE_API_FIELD_NUMBER: _ClassVar[int]
    FIRST_TOKEN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LAST_TOKEN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    UNDECODED_FIELD_NUMBER: _ClassVar[int]
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
    request_headers: _containers.ScalarMap[str, str]
    response_headers: _containers.ScalarMap[str, str]
    wire_api: str
    first_token_seconds: float
    last_token_seconds: float
    undecoded: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, seq: _Optional[int] = ..., request_line: _Optional[str] = ..., request: _Optional[bytes] = ..., status: _Optional[int] = ..., content_type: _Optional[str] = ..., response: _Optional[bytes] = ..., started_at: _Optional[float] = ..., first_byte_seconds: _Optional[float] = ..., seconds: _Optional[float] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., error: _Optional[str] = ..., request_headers: _Optional[_Mapping[str, str]] = ..., response_headers: _Optional[_Mapping[str, str]] = ..., wire_api: _Optional[str] = ..., first_token_seconds: _Optional[float] = ..., last_token_seconds: _Optional[float] = ..., undecoded: _Optional[_Iterable[str]] = ...) -> None: ...

class ExportTraceRequest(_message.Message):
    __slots__ = ("session_id", "format", "slice")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SLICE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    format: TraceFormat
    slice: Slice
    def __init__(self, session_id: _Optional[str] = ..., format: _Optional[_Union[TraceFormat, str]] = ..., slice: _Optional[_Union[Slice, _Mapping]] = ...) -> None: ...

class Slice(_message.Message):
    __slots__ = ("task_id", "thread_id", "begin_call_id", "end_call_id", "repository", "final_message")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    BEGIN_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    END_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    FINAL_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    thread_id: str
    begin_call_id: str
    end_call_id: str
    repository: str
    final_message: str
    def __init__(self, task_id: _Optional[str] = ..., thread_id: _Optional[str] = ..., begin_call_id: _Optional[str] = ..., end_call_id: _Optional[str] = ..., repository: _Optional[str] = ..., final_message: _Optional[str] = ...) -> None: ...

class ExportTraceResponse(_message.Message):
    __slots__ = ("chunk", "sha256", "losses", "ended")
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    chunk: bytes
    sha256: str
    losses: _containers.RepeatedScalarFieldContainer[str]
    ended: bool
    def __init__(self, chunk: _Optional[bytes] = ..., sha256: _Optional[str] = ..., losses: _Optional[_Iterable[str]] = ..., ended: _Optional[bool] = ...) -> None: ...

class VerifySessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class VerifySessionResponse(_message.Message):
    __slots__ = ("calls", "body_bytes", "damaged")
    CALLS_FIELD_NUMBER: _ClassVar[int]
    BODY_BYTES_FIELD_NUMBER: _ClassVar[int]
    DAMAGED_FIELD_NUMBER: _ClassVar[int]
    calls: int
    body_bytes: int
    damaged: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, calls: _Optional[int] = ..., body_bytes: _Optional[int] = ..., damaged: _Optional[_Iterable[str]] = ...) -> None: ...

class PruneSessionsRequest(_message.Message):
    __slots__ = ("older_than_seconds", "session_ids", "dry_run")
    OLDER_THAN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    SESSION_IDS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    older_than_seconds: int
    session_ids: _containers.RepeatedScalarFieldContainer[str]
    dry_run: bool
    def __init__(self, older_than_seconds: _Optional[int] = ..., session_ids: _Optional[_Iterable[str]] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class PruneSessionsResponse(_message.Message):
    __slots__ = ("session_ids", "freed_bytes")
    SESSION_IDS_FIELD_NUMBER: _ClassVar[int]
    FREED_BYTES_FIELD_NUMBER: _ClassVar[int]
    session_ids: _containers.RepeatedScalarFieldContainer[str]
    freed_bytes: int
    def __init__(self, session_ids: _Optional[_Iterable[str]] = ..., freed_bytes: _Optional[int] = ...) -> None: ...

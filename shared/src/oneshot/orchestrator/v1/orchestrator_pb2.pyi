from oneshot.grader.v1 import grader_pb2 as _grader_pb2
from oneshot.proxy.v1 import proxy_pb2 as _proxy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RunState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RUN_STATE_UNSPECIFIED: _ClassVar[RunState]
    RUN_STATE_QUEUED: _ClassVar[RunState]
    RUN_STATE_RUNNING: _ClassVar[RunState]
    RUN_STATE_FINISHED: _ClassVar[RunState]
    RUN_STATE_CANCELLED: _ClassVar[RunState]

class Step(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STEP_UNSPECIFIED: _ClassVar[Step]
    STEP_QUEUE: _ClassVar[Step]
    STEP_BUILD: _ClassVar[Step]
    STEP_SANDBOX: _ClassVar[Step]
    STEP_AGENT: _ClassVar[Step]
    STEP_COLLECT: _ClassVar[Step]
    STEP_VERIFY: _ClassVar[Step]
    STEP_SCORE: _ClassVar[Step]
    STEP_RECORD: _ClassVar[Step]

class Phase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PHASE_UNSPECIFIED: _ClassVar[Phase]
    PHASE_STARTED: _ClassVar[Phase]
    PHASE_PROGRESS: _ClassVar[Phase]
    PHASE_FINISHED: _ClassVar[Phase]
    PHASE_FAILED: _ClassVar[Phase]
RUN_STATE_UNSPECIFIED: RunState
RUN_STATE_QUEUED: RunState
RUN_STATE_RUNNING: RunState
RUN_STATE_FINISHED: RunState
RUN_STATE_CANCELLED: RunState
STEP_UNSPECIFIED: Step
STEP_QUEUE: Step
STEP_BUILD: Step
STEP_SANDBOX: Step
STEP_AGENT: Step
STEP_COLLECT: Step
STEP_VERIFY: Step
STEP_SCORE: Step
STEP_RECORD: Step
PHASE_UNSPECIFIED: Phase
PHASE_STARTED: Phase
PHASE_PROGRESS: Phase
PHASE_FINISHED: Phase
PHASE_FAILED: Phase

class PutTaskRequest(_message.Message):
    __slots__ = ("slug", "chunk", "sha256")
    SLUG_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    slug: str
    chunk: bytes
    sha256: str
    def __init__(self, slug: _Optional[str] = ..., chunk: _Optional[bytes] = ..., sha256: _Optional[str] = ...) -> None: ...

class PutTaskResponse(_message.Message):
    __slots__ = ("digest",)
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    digest: str
    def __init__(self, digest: _Optional[str] = ...) -> None: ...

class Agent(_message.Message):
    __slots__ = ("name", "command")
    NAME_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    name: str
    command: str
    def __init__(self, name: _Optional[str] = ..., command: _Optional[str] = ...) -> None: ...

class SubmitRunRequest(_message.Message):
    __slots__ = ("run_id", "task_digest", "agent", "model", "provider", "backend", "limits", "replay", "attached", "allow_unsandboxed", "replay_run", "recorded_timing")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_DIGEST_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    BACKEND_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    REPLAY_FIELD_NUMBER: _ClassVar[int]
    ATTACHED_FIELD_NUMBER: _ClassVar[int]
    ALLOW_UNSANDBOXED_FIELD_NUMBER: _ClassVar[int]
    REPLAY_RUN_FIELD_NUMBER: _ClassVar[int]
    RECORDED_TIMING_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    task_digest: str
    agent: Agent
    model: str
    provider: str
    backend: str
    limits: _proxy_pb2.Limits
    replay: str
    attached: bool
    allow_unsandboxed: bool
    replay_run: str
    recorded_timing: bool
    def __init__(self, run_id: _Optional[str] = ..., task_digest: _Optional[str] = ..., agent: _Optional[_Union[Agent, _Mapping]] = ..., model: _Optional[str] = ..., provider: _Optional[str] = ..., backend: _Optional[str] = ..., limits: _Optional[_Union[_proxy_pb2.Limits, _Mapping]] = ..., replay: _Optional[str] = ..., attached: _Optional[bool] = ..., allow_unsandboxed: _Optional[bool] = ..., replay_run: _Optional[str] = ..., recorded_timing: _Optional[bool] = ...) -> None: ...

class SubmitRunResponse(_message.Message):
    __slots__ = ("run", "backend_reason")
    RUN_FIELD_NUMBER: _ClassVar[int]
    BACKEND_REASON_FIELD_NUMBER: _ClassVar[int]
    run: Run
    backend_reason: str
    def __init__(self, run: _Optional[_Union[Run, _Mapping]] = ..., backend_reason: _Optional[str] = ...) -> None: ...

class Run(_message.Message):
    __slots__ = ("run_id", "task", "request", "state", "grade", "usage", "submitted_at", "started_at", "ended_at", "stopped_by", "replayed", "notes", "alarms", "drift")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    GRADE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    STOPPED_BY_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    ALARMS_FIELD_NUMBER: _ClassVar[int]
    DRIFT_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    task: str
    request: SubmitRunRequest
    state: RunState
    grade: _grader_pb2.Grade
    usage: _proxy_pb2.Usage
    submitted_at: str
    started_at: str
    ended_at: str
    stopped_by: str
    replayed: str
    notes: _containers.RepeatedScalarFieldContainer[str]
    alarms: _containers.RepeatedScalarFieldContainer[str]
    drift: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, run_id: _Optional[str] = ..., task: _Optional[str] = ..., request: _Optional[_Union[SubmitRunRequest, _Mapping]] = ..., state: _Optional[_Union[RunState, str]] = ..., grade: _Optional[_Union[_grader_pb2.Grade, _Mapping]] = ..., usage: _Optional[_Union[_proxy_pb2.Usage, _Mapping]] = ..., submitted_at: _Optional[str] = ..., started_at: _Optional[str] = ..., ended_at: _Optional[str] = ..., stopped_by: _Optional[str] = ..., replayed: _Optional[str] = ..., notes: _Optional[_Iterable[str]] = ..., alarms: _Optional[_Iterable[str]] = ..., drift: _Optional[_Iterable[str]] = ...) -> None: ...

class RunEvent(_message.Message):
    __slots__ = ("seq", "time", "step", "phase", "detail", "usage")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    seq: int
    time: float
    step: Step
    phase: Phase
    detail: str
    usage: _proxy_pb2.Usage
    def __init__(self, seq: _Optional[int] = ..., time: _Optional[float] = ..., step: _Optional[_Union[Step, str]] = ..., phase: _Optional[_Union[Phase, str]] = ..., detail: _Optional[str] = ..., usage: _Optional[_Union[_proxy_pb2.Usage, _Mapping]] = ...) -> None: ...

class WatchRunRequest(_message.Message):
    __slots__ = ("run_id", "after_seq")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    after_seq: int
    def __init__(self, run_id: _Optional[str] = ..., after_seq: _Optional[int] = ...) -> None: ...

class WatchRunResponse(_message.Message):
    __slots__ = ("event", "run")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    event: RunEvent
    run: Run
    def __init__(self, event: _Optional[_Union[RunEvent, _Mapping]] = ..., run: _Optional[_Union[Run, _Mapping]] = ...) -> None: ...

class GetRunRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class GetRunResponse(_message.Message):
    __slots__ = ("run",)
    RUN_FIELD_NUMBER: _ClassVar[int]
    run: Run
    def __init__(self, run: _Optional[_Union[Run, _Mapping]] = ...) -> None: ...

class ListRunsRequest(_message.Message):
    __slots__ = ("limit",)
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    limit: int
    def __init__(self, limit: _Optional[int] = ...) -> None: ...

class ListRunsResponse(_message.Message):
    __slots__ = ("runs",)
    RUNS_FIELD_NUMBER: _ClassVar[int]
    runs: _containers.RepeatedCompositeFieldContainer[Run]
    def __init__(self, runs: _Optional[_Iterable[_Union[Run, _Mapping]]] = ...) -> None: ...

class CancelRunRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class CancelRunResponse(_message.Message):
    __slots__ = ("run",)
    RUN_FIELD_NUMBER: _ClassVar[int]
    run: Run
    def __init__(self, run: _Optional[_Union[Run, _Mapping]] = ...) -> None: ...

class FetchArtifactsRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class FetchArtifactsResponse(_message.Message):
    __slots__ = ("chunk", "sha256")
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    chunk: bytes
    sha256: str
    def __init__(self, chunk: _Optional[bytes] = ..., sha256: _Optional[str] = ...) -> None: ...

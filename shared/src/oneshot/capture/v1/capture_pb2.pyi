from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TaskState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TASK_STATE_UNSPECIFIED: _ClassVar[TaskState]
    TASK_STATE_STARTED: _ClassVar[TaskState]
    TASK_STATE_ENDED: _ClassVar[TaskState]
    TASK_STATE_ABORTED: _ClassVar[TaskState]
TASK_STATE_UNSPECIFIED: TaskState
TASK_STATE_STARTED: TaskState
TASK_STATE_ENDED: TaskState
TASK_STATE_ABORTED: TaskState

class StartTaskRequest(_message.Message):
    __slots__ = ("task_id", "title", "instructions", "notes", "labels", "session_id", "base_tree")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    INSTRUCTIONS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    BASE_TREE_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    title: str
    instructions: str
    notes: str
    labels: _containers.RepeatedScalarFieldContainer[str]
    session_id: str
    base_tree: str
    def __init__(self, task_id: _Optional[str] = ..., title: _Optional[str] = ..., instructions: _Optional[str] = ..., notes: _Optional[str] = ..., labels: _Optional[_Iterable[str]] = ..., session_id: _Optional[str] = ..., base_tree: _Optional[str] = ...) -> None: ...

class StartTaskResponse(_message.Message):
    __slots__ = ("task",)
    TASK_FIELD_NUMBER: _ClassVar[int]
    task: CaptureTask
    def __init__(self, task: _Optional[_Union[CaptureTask, _Mapping]] = ...) -> None: ...

class Ending(_message.Message):
    __slots__ = ("task_id", "summary", "instructions", "rubric_toml", "test_paths", "base_tree", "end_tree", "labels", "session_id", "fail_to_pass", "thread_id", "begin_call_id", "end_call_id", "repository")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    INSTRUCTIONS_FIELD_NUMBER: _ClassVar[int]
    RUBRIC_TOML_FIELD_NUMBER: _ClassVar[int]
    TEST_PATHS_FIELD_NUMBER: _ClassVar[int]
    BASE_TREE_FIELD_NUMBER: _ClassVar[int]
    END_TREE_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FAIL_TO_PASS_FIELD_NUMBER: _ClassVar[int]
    THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    BEGIN_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    END_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    summary: str
    instructions: str
    rubric_toml: bytes
    test_paths: _containers.RepeatedScalarFieldContainer[str]
    base_tree: str
    end_tree: str
    labels: _containers.RepeatedScalarFieldContainer[str]
    session_id: str
    fail_to_pass: _containers.RepeatedScalarFieldContainer[str]
    thread_id: str
    begin_call_id: str
    end_call_id: str
    repository: str
    def __init__(self, task_id: _Optional[str] = ..., summary: _Optional[str] = ..., instructions: _Optional[str] = ..., rubric_toml: _Optional[bytes] = ..., test_paths: _Optional[_Iterable[str]] = ..., base_tree: _Optional[str] = ..., end_tree: _Optional[str] = ..., labels: _Optional[_Iterable[str]] = ..., session_id: _Optional[str] = ..., fail_to_pass: _Optional[_Iterable[str]] = ..., thread_id: _Optional[str] = ..., begin_call_id: _Optional[str] = ..., end_call_id: _Optional[str] = ..., repository: _Optional[str] = ...) -> None: ...

class EndTaskRequest(_message.Message):
    __slots__ = ("ending", "rollout", "chunk", "sha256")
    ENDING_FIELD_NUMBER: _ClassVar[int]
    ROLLOUT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    ending: Ending
    rollout: bytes
    chunk: bytes
    sha256: str
    def __init__(self, ending: _Optional[_Union[Ending, _Mapping]] = ..., rollout: _Optional[bytes] = ..., chunk: _Optional[bytes] = ..., sha256: _Optional[str] = ...) -> None: ...

class EndTaskResponse(_message.Message):
    __slots__ = ("task",)
    TASK_FIELD_NUMBER: _ClassVar[int]
    task: CaptureTask
    def __init__(self, task: _Optional[_Union[CaptureTask, _Mapping]] = ...) -> None: ...

class CaptureTask(_message.Message):
    __slots__ = ("task_id", "start", "state", "folder", "counts", "started_at", "ended_at", "remarks", "next_step", "ending")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    REMARKS_FIELD_NUMBER: _ClassVar[int]
    NEXT_STEP_FIELD_NUMBER: _ClassVar[int]
    ENDING_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    start: StartTaskRequest
    state: TaskState
    folder: str
    counts: Counts
    started_at: str
    ended_at: str
    remarks: _containers.RepeatedScalarFieldContainer[str]
    next_step: str
    ending: Ending
    def __init__(self, task_id: _Optional[str] = ..., start: _Optional[_Union[StartTaskRequest, _Mapping]] = ..., state: _Optional[_Union[TaskState, str]] = ..., folder: _Optional[str] = ..., counts: _Optional[_Union[Counts, _Mapping]] = ..., started_at: _Optional[str] = ..., ended_at: _Optional[str] = ..., remarks: _Optional[_Iterable[str]] = ..., next_step: _Optional[str] = ..., ending: _Optional[_Union[Ending, _Mapping]] = ...) -> None: ...

class Counts(_message.Message):
    __slots__ = ("base_files", "source_files", "test_files")
    BASE_FILES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FILES_FIELD_NUMBER: _ClassVar[int]
    TEST_FILES_FIELD_NUMBER: _ClassVar[int]
    base_files: int
    source_files: int
    test_files: int
    def __init__(self, base_files: _Optional[int] = ..., source_files: _Optional[int] = ..., test_files: _Optional[int] = ...) -> None: ...

class AbortTaskRequest(_message.Message):
    __slots__ = ("task_id",)
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    def __init__(self, task_id: _Optional[str] = ...) -> None: ...

class AbortTaskResponse(_message.Message):
    __slots__ = ("task",)
    TASK_FIELD_NUMBER: _ClassVar[int]
    task: CaptureTask
    def __init__(self, task: _Optional[_Union[CaptureTask, _Mapping]] = ...) -> None: ...

class GetTaskStatusRequest(_message.Message):
    __slots__ = ("task_id",)
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    def __init__(self, task_id: _Optional[str] = ...) -> None: ...

class GetTaskStatusResponse(_message.Message):
    __slots__ = ("task",)
    TASK_FIELD_NUMBER: _ClassVar[int]
    task: CaptureTask
    def __init__(self, task: _Optional[_Union[CaptureTask, _Mapping]] = ...) -> None: ...

class ListTasksRequest(_message.Message):
    __slots__ = ("limit",)
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    limit: int
    def __init__(self, limit: _Optional[int] = ...) -> None: ...

class ListTasksResponse(_message.Message):
    __slots__ = ("tasks",)
    TASKS_FIELD_NUMBER: _ClassVar[int]
    tasks: _containers.RepeatedCompositeFieldContainer[CaptureTask]
    def __init__(self, tasks: _Optional[_Iterable[_Union[CaptureTask, _Mapping]]] = ...) -> None: ...

from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class GetInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetInfoResponse(_message.Message):
    __slots__ = ("service", "build", "pid", "idle_seconds", "busy")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    BUILD_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    IDLE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    BUSY_FIELD_NUMBER: _ClassVar[int]
    service: str
    build: str
    pid: int
    idle_seconds: float
    busy: str
    def __init__(self, service: _Optional[str] = ..., build: _Optional[str] = ..., pid: _Optional[int] = ..., idle_seconds: _Optional[float] = ..., busy: _Optional[str] = ...) -> None: ...

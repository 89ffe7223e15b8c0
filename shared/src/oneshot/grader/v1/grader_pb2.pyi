from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Subject(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUBJECT_UNSPECIFIED: _ClassVar[Subject]
    SUBJECT_SOLUTION: _ClassVar[Subject]
    SUBJECT_ORACLE: _ClassVar[Subject]
    SUBJECT_NOP: _ClassVar[Subject]

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    VERDICT_PASS: _ClassVar[Verdict]
    VERDICT_FAIL: _ClassVar[Verdict]
    VERDICT_INVALID: _ClassVar[Verdict]

class Blame(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BLAME_UNSPECIFIED: _ClassVar[Blame]
    BLAME_INFRA: _ClassVar[Blame]
    BLAME_TASK: _ClassVar[Blame]
    BLAME_AGENT: _ClassVar[Blame]
SUBJECT_UNSPECIFIED: Subject
SUBJECT_SOLUTION: Subject
SUBJECT_ORACLE: Subject
SUBJECT_NOP: Subject
VERDICT_UNSPECIFIED: Verdict
VERDICT_PASS: Verdict
VERDICT_FAIL: Verdict
VERDICT_INVALID: Verdict
BLAME_UNSPECIFIED: Blame
BLAME_INFRA: Blame
BLAME_TASK: Blame
BLAME_AGENT: Blame

class PlanRequest(_message.Message):
    __slots__ = ("expected", "seed", "isolate")
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    ISOLATE_FIELD_NUMBER: _ClassVar[int]
    expected: bytes
    seed: int
    isolate: bool
    def __init__(self, expected: _Optional[bytes] = ..., seed: _Optional[int] = ..., isolate: _Optional[bool] = ...) -> None: ...

class PlanResponse(_message.Message):
    __slots__ = ("plan",)
    PLAN_FIELD_NUMBER: _ClassVar[int]
    plan: VerificationPlan
    def __init__(self, plan: _Optional[_Union[VerificationPlan, _Mapping]] = ...) -> None: ...

class VerificationPlan(_message.Message):
    __slots__ = ("files", "argv", "timeout_seconds", "seed")
    class FilesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bytes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
    FILES_FIELD_NUMBER: _ClassVar[int]
    ARGV_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    files: _containers.ScalarMap[str, bytes]
    argv: _containers.RepeatedScalarFieldContainer[str]
    timeout_seconds: int
    seed: int
    def __init__(self, files: _Optional[_Mapping[str, bytes]] = ..., argv: _Optional[_Iterable[str]] = ..., timeout_seconds: _Optional[int] = ..., seed: _Optional[int] = ...) -> None: ...

class Report(_message.Message):
    __slots__ = ("subject", "output", "exit_code", "timed_out")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    TIMED_OUT_FIELD_NUMBER: _ClassVar[int]
    subject: Subject
    output: bytes
    exit_code: int
    timed_out: bool
    def __init__(self, subject: _Optional[_Union[Subject, str]] = ..., output: _Optional[bytes] = ..., exit_code: _Optional[int] = ..., timed_out: _Optional[bool] = ...) -> None: ...

class Evidence(_message.Message):
    __slots__ = ("agent", "needs_model", "model_calls_succeeded", "commands_succeeded", "exit_code", "stopped_by", "upstream_failure", "last_words", "alarms", "broke_off")
    AGENT_FIELD_NUMBER: _ClassVar[int]
    NEEDS_MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_CALLS_SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    COMMANDS_SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    STOPPED_BY_FIELD_NUMBER: _ClassVar[int]
    UPSTREAM_FAILURE_FIELD_NUMBER: _ClassVar[int]
    LAST_WORDS_FIELD_NUMBER: _ClassVar[int]
    ALARMS_FIELD_NUMBER: _ClassVar[int]
    BROKE_OFF_FIELD_NUMBER: _ClassVar[int]
    agent: str
    needs_model: bool
    model_calls_succeeded: int
    commands_succeeded: int
    exit_code: int
    stopped_by: str
    upstream_failure: str
    last_words: str
    alarms: _containers.RepeatedScalarFieldContainer[str]
    broke_off: bool
    def __init__(self, agent: _Optional[str] = ..., needs_model: _Optional[bool] = ..., model_calls_succeeded: _Optional[int] = ..., commands_succeeded: _Optional[int] = ..., exit_code: _Optional[int] = ..., stopped_by: _Optional[str] = ..., upstream_failure: _Optional[str] = ..., last_words: _Optional[str] = ..., alarms: _Optional[_Iterable[str]] = ..., broke_off: _Optional[bool] = ...) -> None: ...

class ScoreRequest(_message.Message):
    __slots__ = ("plan", "reports", "rubric", "evidence")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    RUBRIC_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    plan: VerificationPlan
    reports: _containers.RepeatedCompositeFieldContainer[Report]
    rubric: bytes
    evidence: Evidence
    def __init__(self, plan: _Optional[_Union[VerificationPlan, _Mapping]] = ..., reports: _Optional[_Iterable[_Union[Report, _Mapping]]] = ..., rubric: _Optional[bytes] = ..., evidence: _Optional[_Union[Evidence, _Mapping]] = ...) -> None: ...

class ScoreResponse(_message.Message):
    __slots__ = ("grade", "further")
    GRADE_FIELD_NUMBER: _ClassVar[int]
    FURTHER_FIELD_NUMBER: _ClassVar[int]
    grade: Grade
    further: FurtherPlan
    def __init__(self, grade: _Optional[_Union[Grade, _Mapping]] = ..., further: _Optional[_Union[FurtherPlan, _Mapping]] = ...) -> None: ...

class FurtherPlan(_message.Message):
    __slots__ = ("subjects",)
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    subjects: _containers.RepeatedScalarFieldContainer[Subject]
    def __init__(self, subjects: _Optional[_Iterable[_Union[Subject, str]]] = ...) -> None: ...

class TestResult(_message.Message):
    __slots__ = ("id", "group", "outcome", "detail")
    ID_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    id: str
    group: str
    outcome: str
    detail: str
    def __init__(self, id: _Optional[str] = ..., group: _Optional[str] = ..., outcome: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class CriterionScore(_message.Message):
    __slots__ = ("id", "weight", "score", "decided_by", "note")
    ID_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    id: str
    weight: float
    score: float
    decided_by: str
    note: str
    def __init__(self, id: _Optional[str] = ..., weight: _Optional[float] = ..., score: _Optional[float] = ..., decided_by: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("code", "detail")
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    code: str
    detail: str
    def __init__(self, code: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class Grade(_message.Message):
    __slots__ = ("verdict", "blame", "reason", "tests", "criteria", "total", "scored_weight", "findings")
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    BLAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TESTS_FIELD_NUMBER: _ClassVar[int]
    CRITERIA_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    SCORED_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    verdict: Verdict
    blame: Blame
    reason: str
    tests: _containers.RepeatedCompositeFieldContainer[TestResult]
    criteria: _containers.RepeatedCompositeFieldContainer[CriterionScore]
    total: float
    scored_weight: float
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    def __init__(self, verdict: _Optional[_Union[Verdict, str]] = ..., blame: _Optional[_Union[Blame, str]] = ..., reason: _Optional[str] = ..., tests: _Optional[_Iterable[_Union[TestResult, _Mapping]]] = ..., criteria: _Optional[_Iterable[_Union[CriterionScore, _Mapping]]] = ..., total: _Optional[float] = ..., scored_weight: _Optional[float] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ...) -> None: ...

"""The table between exceptions and status, both ways."""

import errno

import grpc
import pytest

from oneshot_shared import errors
from oneshot_shared.errors import BadInput, NotReady

TABLE = [
    (BadInput("x"), grpc.StatusCode.INVALID_ARGUMENT, BadInput),
    (NotReady("x"), grpc.StatusCode.FAILED_PRECONDITION, NotReady),
    (FileNotFoundError("x"), grpc.StatusCode.NOT_FOUND, FileNotFoundError),
    (FileExistsError("x"), grpc.StatusCode.ALREADY_EXISTS, FileExistsError),
    (PermissionError("x"), grpc.StatusCode.PERMISSION_DENIED, PermissionError),
    (TimeoutError("x"), grpc.StatusCode.DEADLINE_EXCEEDED, TimeoutError),
    (ConnectionResetError("x"), grpc.StatusCode.UNAVAILABLE, ConnectionError),
    (OSError(errno.ENOSPC, "x"), grpc.StatusCode.RESOURCE_EXHAUSTED, NotReady),
    (OSError(errno.EDQUOT, "x"), grpc.StatusCode.RESOURCE_EXHAUSTED, NotReady),
]


@pytest.mark.parametrize(("error", "code", "seen"), TABLE, ids=lambda v: getattr(v, "name", type(v).__name__))
def test_each_exception_has_its_status_and_comes_back(
    error: Exception, code: grpc.StatusCode, seen: type[Exception]
) -> None:
    assert errors.to_status(error) is code
    back = errors.from_status(code, "the sentence")
    assert type(back) is seen
    assert str(back) == "the sentence"


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), OSError(errno.EIO, "x"), RuntimeError("x")])
def test_everything_else_is_a_fault_of_ours(error: Exception) -> None:
    assert errors.to_status(error) is None


def test_a_status_without_an_entry_is_a_runtime_error_with_words() -> None:
    assert type(errors.from_status(grpc.StatusCode.UNAUTHENTICATED, "")) is PermissionError
    back = errors.from_status(grpc.StatusCode.INTERNAL, "")
    assert type(back) is RuntimeError
    assert str(back) == "INTERNAL"


def test_sentence() -> None:
    assert errors.sentence(BadInput("say this")) == "say this"
    assert errors.sentence(OSError(errno.ENOSPC, "No space left on device", "/d/f")) == "No space left on device: /d/f"
    assert errors.sentence(OSError(errno.ENOSPC, "No space left on device")) == "No space left on device"
    assert errors.sentence(TimeoutError()) == "TimeoutError"


def test_nearest() -> None:
    assert errors.nearest("codx", ["codex", "nop"]) == " (did you mean 'codex'?)"
    assert errors.nearest("zzz", ["codex", "nop"]) == ""
    assert errors.nearest("x", []) == ""


def test_half_characters_become_question_marks() -> None:
    assert errors.sentence(errors.BadInput("caf\udce9")) == "caf?"
    assert errors.printable("naïve") == "naïve"

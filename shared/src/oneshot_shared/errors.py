"""The one table between exceptions and gRPC status, used by the interceptors of both sides.

A message is one sentence: the offending value, what is allowed, the next step.
"""

import errno

import grpc

_SQLITE_FULL = 13  # as sqlite3.SQLITE_FULL, whose import every start of the command line would pay for


class BadInput(ValueError):  # noqa: N818 -- it names what the caller gave, and reads so at every raise
    """The request itself is wrong; nothing was spent. The command line ends with exit code 2."""


class NotReady(RuntimeError):  # noqa: N818 -- it names a state of the machine
    """Something outside the request is missing: an engine, a key, a service. Exit code 2."""


class DataLoss(RuntimeError):  # noqa: N818 -- it names what happened
    """What is stored is not what was recorded. Exit code 3."""


_TO_STATUS: tuple[tuple[type[Exception], grpc.StatusCode], ...] = (
    (BadInput, grpc.StatusCode.INVALID_ARGUMENT),
    (NotReady, grpc.StatusCode.FAILED_PRECONDITION),
    (FileNotFoundError, grpc.StatusCode.NOT_FOUND),
    (FileExistsError, grpc.StatusCode.ALREADY_EXISTS),
    (PermissionError, grpc.StatusCode.PERMISSION_DENIED),
    (TimeoutError, grpc.StatusCode.DEADLINE_EXCEEDED),
    (ConnectionError, grpc.StatusCode.UNAVAILABLE),
    (DataLoss, grpc.StatusCode.DATA_LOSS),
)
_FROM_STATUS: dict[grpc.StatusCode, type[Exception]] = {code: kind for kind, code in _TO_STATUS} | {
    grpc.StatusCode.RESOURCE_EXHAUSTED: NotReady,
    grpc.StatusCode.UNAUTHENTICATED: PermissionError,
}


def printable(text: str) -> str:
    """Text that protobuf takes: half characters, as in file names that are not UTF-8, become question marks."""
    return text.encode("utf-8", "replace").decode()


def sentence(error: BaseException) -> str:
    """What to show of an exception: an OS error's text with its path, else its message, else its name."""
    if isinstance(error, OSError) and error.strerror:
        return printable(f"{error.strerror}: {error.filename}" if error.filename else error.strerror)
    return printable(str(error)) or type(error).__name__


def to_status(error: Exception) -> grpc.StatusCode | None:
    """The status for an exception; None means that it is a fault of ours and must be logged."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return grpc.StatusCode.RESOURCE_EXHAUSTED
    if getattr(error, "sqlite_errorcode", None) == _SQLITE_FULL:
        return grpc.StatusCode.RESOURCE_EXHAUSTED
    return next((code for kind, code in _TO_STATUS if isinstance(error, kind)), None)


def from_status(code: grpc.StatusCode, details: str) -> Exception:
    """The exception that a caller sees for a status."""
    return _FROM_STATUS.get(code, RuntimeError)(details or code.name)


def nearest(value: str, known: list[str]) -> str:
    """` (did you mean 'x'?)` for the closest known word, else the empty string."""
    import difflib

    close = difflib.get_close_matches(value, known, n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""

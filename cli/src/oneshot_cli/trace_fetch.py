"""What the trace commands ask of the proxy: a session, its calls, its document in a format."""

import hashlib
import os
import secrets
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot_shared.errors import BadInput, nearest

if TYPE_CHECKING:
    from oneshot.proxy.v1.proxy_pb2_grpc import ProxyServiceAsyncStub

_PREFIX = "TRACE_FORMAT_"
FORMATS: dict[str, pb.TraceFormat] = {
    name.removeprefix(_PREFIX).lower(): getattr(pb, name) for name, number in pb.TraceFormat.items() if number
}
_MANY = 1000


def format_number(name: str) -> pb.TraceFormat:
    """:raises BadInput: no such format."""
    if name in FORMATS:
        return FORMATS[name]
    raise BadInput(f"there is no trace format {name!r}{nearest(name, list(FORMATS))}; known: {', '.join(FORMATS)}")


def part(task: str, final_message: str) -> pb.Slice | None:
    """The work on a task, or all of a session. :raises BadInput: a last word without a task."""
    if final_message and not task:
        raise BadInput(f"the final message {final_message[:80]!r} is for the work on one task; name that with --task")
    return pb.Slice(task_id=task, final_message=final_message) if task else None


async def session(stub: "ProxyServiceAsyncStub", session_id: str) -> pb.Session:
    """A session's record. :raises BadInput: no id. FileNotFoundError: there is none, with the id nearest to it."""
    if not session_id:
        raise BadInput("the session id is empty; `oneshot trace list` shows those that there are")
    try:
        return (await stub.GetSession(pb.GetSessionRequest(session_id=session_id))).session
    except FileNotFoundError:
        listed = (await stub.ListSessions(pb.ListSessionsRequest(limit=_MANY))).sessions
        near = nearest(session_id, [each.session_id for each in listed])
        raise FileNotFoundError(
            f"there is no session {session_id!r}{near}; see them with `oneshot trace list`"
        ) from None


async def calls(stub: "ProxyServiceAsyncStub", session_id: str) -> AsyncIterator[tuple[pb.Call, int, int]]:
    """Each call without its bodies, and how many bytes they have."""
    last, sizes = pb.Call(), [0, 0]
    async for message in stub.StreamCalls(pb.StreamCallsRequest(session_id=session_id)):
        if message.call.seq != last.seq:
            if last.seq:
                yield last, sizes[0], sizes[1]
            last, sizes = pb.Call(), [0, 0]
            last.CopyFrom(message.call)
            last.ClearField("request")
            last.ClearField("response")
        sizes = [sizes[0] + len(message.call.request), sizes[1] + len(message.call.response)]
    if last.seq:
        yield last, sizes[0], sizes[1]


async def document(
    stub: "ProxyServiceAsyncStub",
    session_id: str,
    number: pb.TraceFormat,
    file: IO[bytes],
    part: pb.Slice | None = None,
) -> list[str]:
    """Write the document of a session, or of a part of it, to a file; what the format cannot carry of it.

    :raises ConnectionError: it did not come whole.
    """
    total, answer = hashlib.sha256(), pb.ExportTraceResponse()
    async for answer in stub.ExportTrace(pb.ExportTraceRequest(session_id=session_id, format=number, slice=part)):
        total.update(answer.chunk)
        file.write(answer.chunk)
    if answer.sha256 != total.hexdigest():
        raise ConnectionError(f"the trace of {session_id!r} did not come whole; ask for it again")
    return list(answer.losses)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that is there under its name only when it was written to its end.

    A link stays one, and so does the mode of a file that is there. Into what is no file, such as a device or a pipe, is written
    at once. :raises BadInput: there is no such folder, or it is one itself. OSError: it cannot be.
    """
    if path.is_dir():
        raise BadInput(f"{str(path)!r} is a folder; give the name of a file in it")
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    target = path.resolve()
    if not target.parent.is_dir():
        raise BadInput(f"there is no folder {str(target.parent)!r} to write {path.name!r} into; make it first")
    place = target.with_name(f".oneshot-{secrets.token_hex(6)}")
    try:
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            if target.exists():
                os.fchmod(file.fileno(), stat.S_IMODE(target.stat().st_mode))
            yield file
        place.replace(target)
    finally:
        place.unlink(missing_ok=True)


def say_losses(losses: list[str]) -> None:
    """On standard error, a line each."""
    for loss in losses:
        print(f"This format does not carry: {loss}.", file=sys.stderr)

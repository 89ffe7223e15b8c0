"""The formats of a trace, and the export of a session in one of them."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot_proxy.exports import atif, cassette, raw, rollout
from oneshot_proxy.exports.contract import Exporter, Losses, Slice
from oneshot_proxy.exports.slicing import find, work
from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_shared.errors import BadInput

_DONE = "The work is done."
EXPORTERS: dict[int, Exporter] = {
    pb.TRACE_FORMAT_ATIF: atif.export,
    pb.TRACE_FORMAT_ROLLOUT: rollout.export,
    pb.TRACE_FORMAT_CASSETTE: cassette.export,
    pb.TRACE_FORMAT_RAW: raw.export,
}


def exporter(number: int) -> Exporter:
    """:raises BadInput: no such format."""
    if found := EXPORTERS.get(number):
        return found
    known = ", ".join(f"{pb.TraceFormat.Name(each)} ({each})" for each in EXPORTERS)
    raise BadInput(f"there is no trace format {number}; known: {known}")


async def export(
    number: int,
    session: SessionRecord,
    read: Callable[[], AsyncIterator[CallRecord]],
    losses: Losses,
    part: Slice | None = None,
) -> AsyncIterator[bytes]:
    """A session as it stands, or the part of it that is the work on one task, in a format of EXPORTERS.

    `read` reads its calls from the first on. :raises BadInput: no such format, no such part, or a part in the format raw.
    """
    chosen = exporter(number)
    if session.is_open(time.time()):
        losses.add("what is said from now on: the session is still open")
    if part is None:
        calls = read()
    else:
        if chosen is raw.export:
            raise BadInput(
                "raw gives calls as they were recorded, and a task's part is cut out of them; choose another format, or leave the task out"
            )
        replayed = chosen is cassette.export
        part = replace(part, final_message=part.final_message or _DONE) if replayed else part
        found = await find.find(session.session_id, part, read())
        work.say(part, found, losses, replayed=replayed)
        session = work.session(session, found)
        calls = work.work(found, read(), replayed=replayed)
    async for piece in chosen(session, calls, losses):
        yield piece

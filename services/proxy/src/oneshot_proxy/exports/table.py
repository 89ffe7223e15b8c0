"""The formats of a trace, and the export of a session in one of them."""

import time
from collections.abc import AsyncIterator

from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot_proxy.exports import atif, cassette, raw, rollout
from oneshot_proxy.exports.contract import Exporter, Losses
from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_shared.errors import BadInput

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
    number: int, session: SessionRecord, calls: AsyncIterator[CallRecord], losses: Losses
) -> AsyncIterator[bytes]:
    """A session as it stands, in a format of EXPORTERS. :raises BadInput: no such format."""
    if session.is_open(time.time()):
        losses.add("what is said from now on: the session is still open")
    async for piece in exporter(number)(session, calls, losses):
        yield piece

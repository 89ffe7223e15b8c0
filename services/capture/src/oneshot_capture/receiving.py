"""What EndTask's stream carries: an ending, a pack in pieces, the digest of all of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_shared.errors import BadInput
from oneshot_shared.transfer import Incoming


async def ending(requests: AsyncIterator[pb.EndTaskRequest]) -> pb.Ending:
    """The stream's first message. :raises BadInput: it is no ending."""
    first = await anext(requests, None)
    if first is None or first.WhichOneof("part") != "ending":
        raise BadInput("the stream does not begin with an ending; send that first, then the pack, then its sha256")
    return first.ending


async def pack(requests: AsyncIterator[pb.EndTaskRequest], file: Path, most: int) -> None:
    """Write what follows into a new file. :raises BadInput: more than `most` bytes, broken off, or not what the digest says."""
    with Incoming(most, file.open("x+b")) as incoming:
        async for request in requests:
            if request.WhichOneof("part") not in ("chunk", "sha256"):
                raise BadInput("the stream holds a second ending, or nothing; send one ending, chunks, one sha256")
            await asyncio.to_thread(incoming.take, request.chunk, request.sha256)
        incoming.whole()

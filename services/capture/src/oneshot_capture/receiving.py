"""What EndTask's stream carries: an ending, the agent's own record, a pack in pieces, the digest of those."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_shared.errors import BadInput
from oneshot_shared.transfer import Incoming

ROLLOUT, PACK = "received.jsonl", "received.pack"
_ROLLOUT_BYTES = 256 * 1024 * 1024


async def ending(requests: AsyncIterator[pb.EndTaskRequest]) -> pb.Ending:
    """The stream's first message. :raises BadInput: it is no ending."""
    first = await anext(requests, None)
    if first is None or first.WhichOneof("part") != "ending":
        raise BadInput("the stream does not begin with an ending; send that first, then rollout, chunks and sha256")
    return first.ending


async def rest(requests: AsyncIterator[pb.EndTaskRequest], place: Path, most: int) -> None:
    """Write what follows into a folder: PACK, and ROLLOUT where one is sent.

    :raises BadInput: a pack of more than `most` bytes, broken off, or not what the digest says; a rollout too large or too late.
    """
    size = 0
    with Incoming(most, (place / PACK).open("x+b")) as incoming, (place / ROLLOUT).open("xb") as rollout:
        begun = False
        async for request in requests:
            part = request.WhichOneof("part")
            if part == "rollout" and not begun:
                size += len(request.rollout)
                if size > _ROLLOUT_BYTES:
                    raise BadInput(
                        f"the rollout has more than {_ROLLOUT_BYTES} bytes, the allowed maximum; leave it out"
                    )
                await asyncio.to_thread(rollout.write, request.rollout)
            elif part in ("chunk", "sha256"):
                begun = True
                await asyncio.to_thread(incoming.take, request.chunk, request.sha256)
            else:
                raise BadInput(
                    "the stream holds a second ending, a late rollout, or nothing; send one ending, rollout, chunks, one sha256"
                )
        incoming.whole()
    if not size:
        (place / ROLLOUT).unlink()

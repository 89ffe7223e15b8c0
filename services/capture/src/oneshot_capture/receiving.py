"""What EndTask's stream carries: an ending, a pack in pieces, the digest of all of them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_shared.errors import BadInput


async def ending(requests: AsyncIterator[pb.EndTaskRequest]) -> pb.Ending:
    """The stream's first message. :raises BadInput: it is no ending."""
    first = await anext(requests, None)
    if first is None or first.WhichOneof("part") != "ending":
        raise BadInput("the stream does not begin with an ending; send that first, then the pack, then its sha256")
    return first.ending


async def pack(requests: AsyncIterator[pb.EndTaskRequest], file: Path, most: int) -> None:
    """Write what follows into a new file. :raises BadInput: more than `most` bytes, broken off, or not what the digest says."""
    digest, size = hashlib.sha256(), 0
    with file.open("xb") as out:
        async for request in requests:
            match request.WhichOneof("part"):
                case "chunk":
                    size += len(request.chunk)
                    if size > most:
                        raise BadInput(
                            f"the pack is larger than {most} bytes, the allowed maximum; leave large files out"
                        )
                    await asyncio.to_thread(out.write, request.chunk)
                    digest.update(request.chunk)
                case "sha256":
                    await _check_end(requests, request.sha256, digest.hexdigest(), size)
                    return
                case _:
                    raise BadInput("the stream holds a second ending, or nothing; send one ending, chunks, one sha256")
    raise BadInput(
        f"the stream broke off after {size} bytes of the pack, without its sha256; nothing was changed, send it again"
    )


async def _check_end(requests: AsyncIterator[pb.EndTaskRequest], told: str, found: str, size: int) -> None:
    if await anext(requests, None) is not None:
        raise BadInput("something follows the sha256; it must be the stream's last message")
    if told != found:
        raise BadInput(f"the {size} bytes of the pack have the sha256 {found}, not {told[:80]!r}; send them again")

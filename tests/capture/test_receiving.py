"""What EndTask's stream carries."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_capture import receiving
from oneshot_shared.errors import BadInput

ENDING = pb.EndTaskRequest(ending=pb.Ending(task_id="t1"))
ONE, TWO = pb.EndTaskRequest(chunk=b"one"), pb.EndTaskRequest(chunk=b"two")
DIGEST = pb.EndTaskRequest(sha256=hashlib.sha256(b"onetwo").hexdigest())


async def stream(*requests: pb.EndTaskRequest) -> AsyncIterator[pb.EndTaskRequest]:
    for request in requests:
        yield request


async def test_the_ending_comes_first() -> None:
    requests = stream(ENDING, ONE)
    assert (await receiving.ending(requests)).task_id == "t1"
    assert await anext(requests) == ONE
    for wrong in ([], [ONE], [DIGEST, ENDING], [pb.EndTaskRequest()]):
        with pytest.raises(BadInput, match="the stream does not begin with an ending"):
            await receiving.ending(stream(*wrong))


async def test_a_pack_in_pieces(tmp_path: Path) -> None:
    await receiving.pack(stream(ONE, TWO, DIGEST), tmp_path / "pack", 6)
    assert (tmp_path / "pack").read_bytes() == b"onetwo"


@pytest.mark.parametrize(
    ("requests", "says"),
    [
        ([ONE, TWO], "the stream ended after 6 bytes without its checksum"),
        ([], "the stream ended after 0 bytes"),
        ([ONE, DIGEST], f"the 3 bytes have the checksum {hashlib.sha256(b'one').hexdigest()}, not"),
        ([TWO, ONE, DIGEST], "the 6 bytes have the checksum"),
        ([ONE, pb.EndTaskRequest(sha256="")], "without its checksum"),
        ([ONE, pb.EndTaskRequest(sha256="é")], "not 'é' as sent"),
        ([ONE, TWO, DIGEST, ONE], "the stream goes on after its checksum"),
        ([ONE, ENDING], "a second ending"),
        ([pb.EndTaskRequest()], "a second ending, or nothing"),
        ([ONE, TWO, ONE, DIGEST], "the content is larger than 6 bytes"),
    ],
)
async def test_a_stream_that_is_refused(tmp_path: Path, requests: list[pb.EndTaskRequest], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        await receiving.pack(stream(*requests), tmp_path / "pack", 6)

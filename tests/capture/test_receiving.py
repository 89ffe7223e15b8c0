"""What EndTask's stream carries."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_capture import receiving
from oneshot_shared.errors import BadInput

ENDING = pb.EndTaskRequest(ending=pb.Ending(task_id="t1"))
FIRST, SECOND = pb.EndTaskRequest(rollout=b"{}\n"), pb.EndTaskRequest(rollout=b"[]\n")
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
    await receiving.rest(stream(ONE, TWO, DIGEST), tmp_path, 6)
    assert (tmp_path / receiving.PACK).read_bytes() == b"onetwo"
    assert not (tmp_path / receiving.ROLLOUT).exists()


async def test_a_rollout_comes_before_the_pack(tmp_path: Path) -> None:
    await receiving.rest(stream(FIRST, SECOND, ONE, TWO, DIGEST), tmp_path, 6)
    assert (tmp_path / receiving.ROLLOUT).read_bytes() == b"{}\n[]\n"
    assert (tmp_path / receiving.PACK).read_bytes() == b"onetwo"


async def test_a_rollout_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "_ROLLOUT_BYTES", 5)
    with pytest.raises(BadInput, match="the rollout has more than 5 bytes, the allowed maximum; leave it out"):
        await receiving.rest(stream(FIRST, SECOND, ONE, TWO, DIGEST), tmp_path, 6)


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
        ([pb.EndTaskRequest()], "a second ending, a late rollout, or nothing"),
        ([ONE, FIRST, TWO, DIGEST], "a second ending, a late rollout"),
        ([ONE, TWO, ONE, DIGEST], "the content is larger than 6 bytes"),
    ],
)
async def test_a_stream_that_is_refused(tmp_path: Path, requests: list[pb.EndTaskRequest], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        await receiving.rest(stream(*requests), tmp_path, 6)

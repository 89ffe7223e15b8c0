"""Large content over a stream: whole and undamaged, or refused."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneshot_shared.errors import BadInput
from oneshot_shared.transfer import Incoming, outgoing

type Messages = list[tuple[bytes, str]]


async def _sent(*chunks: bytes) -> Messages:
    return [message async for message in outgoing(iter(chunks))]


def _received(messages: Messages, limit: int = 100) -> bytes:
    with Incoming(limit) as incoming:
        for chunk, checksum in messages:
            incoming.take(chunk, checksum)
        return incoming.whole().read()


async def test_the_last_message_holds_the_checksum_alone() -> None:
    whole = hashlib.sha256(b"onetwo").hexdigest()
    assert await _sent(b"one", b"two") == [(b"one", ""), (b"two", ""), (b"", whole)]
    assert await _sent() == [(b"", hashlib.sha256().hexdigest())]


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=5))
async def test_what_is_sent_arrives(chunks: list[bytes]) -> None:
    assert _received(await _sent(*chunks)) == b"".join(chunks)


@pytest.mark.parametrize("lost", [0, 1])
async def test_a_lost_piece_is_noticed(lost: int) -> None:
    messages = await _sent(b"one", b"two")
    del messages[lost]
    with pytest.raises(BadInput, match=r"the 3 bytes have the checksum [0-9a-f]{64}, not '[0-9a-f]{64}' as sent"):
        _received(messages)


async def test_a_stream_that_is_cut_off_is_refused() -> None:
    with pytest.raises(BadInput, match="the stream ended after 6 bytes without its checksum; send it again"):
        _received((await _sent(b"one", b"two"))[:-1])
    with pytest.raises(BadInput, match="ended after 0 bytes"):
        _received([])


async def test_nothing_comes_after_the_checksum_and_no_more_than_the_limit() -> None:
    messages = await _sent(b"one")
    with pytest.raises(BadInput, match="goes on after its checksum"):
        _received([*messages, (b"more", "")])
    with pytest.raises(BadInput, match="larger than 2 bytes, the allowed maximum"):
        _received(messages, limit=2)
    with pytest.raises(BadInput, match="not 'x' as sent"):
        _received([(b"one", ""), (b"", "x")])

"""Large content over a stream: whole and undamaged, or refused."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneshot_shared.errors import BadInput
from oneshot_shared.transfer import CHUNK_BYTES, Incoming, outgoing, summed

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


async def test_a_file_of_the_receivers_keeps_the_content(tmp_path: Path) -> None:
    with (tmp_path / "kept").open("x+b") as file, Incoming(100, file) as incoming:
        for chunk, checksum in await _sent(b"one", b"two"):
            incoming.take(chunk, checksum)
        assert incoming.whole() is file
    assert (tmp_path / "kept").read_bytes() == b"onetwo"


def test_a_checksum_that_is_none_is_refused() -> None:
    with pytest.raises(BadInput, match="not 'é' as sent"):
        _received([(b"one", ""), (b"", "é")])


async def test_large_pieces_are_cut_to_what_any_client_takes() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"a" * (2 * CHUNK_BYTES + 1)
        yield b"b"

    messages = [message async for message in summed(pieces())]
    assert [len(chunk) for chunk, _ in messages] == [CHUNK_BYTES, CHUNK_BYTES, 1, 1, 0]
    assert _received(messages, 3 * CHUNK_BYTES).count(b"a") == 2 * CHUNK_BYTES + 1

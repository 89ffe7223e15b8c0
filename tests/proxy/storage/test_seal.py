"""Small pieces into large ones."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import zstandard

from oneshot_proxy.storage import file, seal
from oneshot_proxy.storage.rebuild import Rebuilder


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    file.prepare(tmp_path / "proxy.sqlite")
    with closing(file.connect(tmp_path / "proxy.sqlite")) as made:
        yield made


def fill(connection: sqlite3.Connection, *pieces: bytes) -> bytes:
    start = 0
    for piece in pieces:
        connection.execute("INSERT INTO hot VALUES (1, ?, ?)", (start, zstandard.compress(piece)))
        start += len(piece)
    return b"".join(pieces)


def stored(connection: sqlite3.Connection, table: str) -> list[int]:
    return [size for (size,) in connection.execute(f"SELECT length(data) FROM {table} ORDER BY start")]


def test_what_recurs_in_the_session_costs_next_to_nothing(connection: sqlite3.Connection) -> None:
    noise = random.Random(1).randbytes(5000)
    whole = fill(connection, *(b"%d" % number + noise for number in range(50)))
    assert sum(stored(connection, "hot")) > 250_000
    assert not seal.seal(connection, 1)
    assert stored(connection, "hot") == []
    assert len(stored(connection, "blocks")) == 1
    assert sum(stored(connection, "blocks")) < 8000
    assert Rebuilder(connection, 1).body([[0, len(whole)]]) == whole


def test_one_block_at_a_time(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal, "BLOCK_BYTES", 1000)
    whole = fill(connection, *(bytes([number]) * 400 for number in range(7)))
    assert [seal.seal(connection, 1) for _ in range(4)] == [True, True, False, False]
    assert len(stored(connection, "blocks")) == 3
    assert Rebuilder(connection, 1).body([[0, 1200], [1200, 1600]]) == whole
    fill_after = zstandard.compress(b"late")
    connection.execute("INSERT INTO hot VALUES (1, ?, ?)", (len(whole), fill_after))
    assert Rebuilder(connection, 1).body([[2700, 104]]) == whole[2700:] + b"late"


def test_other_sessions_are_left_alone(connection: sqlite3.Connection) -> None:
    fill(connection, b"one")
    assert not seal.seal(connection, 2)
    assert len(stored(connection, "hot")) == 1


def test_a_broken_piece_changes_nothing(connection: sqlite3.Connection) -> None:
    fill(connection, b"one" * 500, b"two" * 500)
    connection.execute("UPDATE hot SET data = substr(data, 1, 12) WHERE start > 0")
    with pytest.raises(zstandard.ZstdError):
        seal.seal(connection, 1)
    assert (len(stored(connection, "hot")), stored(connection, "blocks")) == (2, [])

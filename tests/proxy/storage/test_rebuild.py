"""From ranges to bodies."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import zstandard

from oneshot_proxy.storage import file, rebuild
from oneshot_proxy.storage.rebuild import Rebuilder

STREAM = bytes(range(100))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    file.prepare(tmp_path / "proxy.sqlite")
    with closing(file.connect(tmp_path / "proxy.sqlite")) as made:
        made.execute("INSERT INTO blocks VALUES (1, 0, ?)", (zstandard.compress(STREAM[:60]),))
        made.execute("INSERT INTO hot VALUES (1, 60, ?)", (zstandard.compress(STREAM[60:]),))
        yield made


def add(connection: sqlite3.Connection, seq: int, parent: int, kept: int, *ranges: list[int]) -> None:
    values = (1, seq, parent, kept, json.dumps(ranges), b"", 1, "[]", b"", "[]")
    connection.execute("INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


def test_requests_build_on_each_other(connection: sqlite3.Connection) -> None:
    add(connection, 1, 0, 0, [0, 10], [50, 20])
    add(connection, 2, 1, 15, [90, 5])
    add(connection, 3, 2, 17, [20, 1])
    add(connection, 4, 2, 5)
    add(connection, 5, 3, 12, [0, 1])
    wanted = {1: STREAM[:10] + STREAM[50:70]}
    wanted[2] = wanted[1][:15] + STREAM[90:95]
    wanted[3] = wanted[2][:17] + STREAM[20:21]
    wanted[4] = wanted[2][:5]
    wanted[5] = wanted[3][:12] + STREAM[:1]
    for seq, body in wanted.items():
        assert Rebuilder(connection, 1).request(seq) == body, "by itself"
    in_order = Rebuilder(connection, 1)
    assert {seq: in_order.request(seq) for seq in wanted} == wanted


def test_a_long_conversation_needs_little_memory(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "_CACHE_BYTES", 50)
    add(connection, 1, 0, 0, [0, 1])
    for seq in range(2, 3000):
        add(connection, seq, seq - 1, seq - 1, [seq % 100, 1])
    made = Rebuilder(connection, 1)
    assert len(made.request(2999)) == 2999
    assert [len(made.request(seq)) for seq in range(1, 100)] == list(range(1, 100))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("DELETE FROM blocks", "byte 0 of its stream is missing"),
        ("DELETE FROM hot", "bytes 60 to 90 of its stream are missing"),
        ("UPDATE blocks SET data = x'00'", "a block of its stream is broken"),
        ("UPDATE calls SET parent = 9 WHERE seq = 2", "call 2, on which its request builds, is missing"),
        ("DELETE FROM calls WHERE seq = 1", "call 1, on which its request builds, is missing"),
        ("UPDATE calls SET request = '[[0,'", "Expecting value"),
    ],
)
def test_what_is_missing_is_said(connection: sqlite3.Connection, broken: str, said: str) -> None:
    add(connection, 1, 0, 0, [0, 90])
    add(connection, 2, 1, 90, [0, 1])
    connection.execute(broken)
    with pytest.raises(ValueError, match=said):
        Rebuilder(connection, 1).request(2)

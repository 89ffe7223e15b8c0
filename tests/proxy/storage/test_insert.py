"""Records into the file."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from oneshot_proxy.storage import file, insert
from oneshot_proxy.storage.insert import Inserter, end_of_stream
from oneshot_proxy.storage.reader import Reader, sessions
from proxy.storage.bodies import item, request
from proxy.test_records import RECORD
from proxy.test_store import CALL


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file.prepare(tmp_path / "proxy.sqlite")
    return tmp_path / "proxy.sqlite"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(file.connect(path)) as made:
        yield made


def all_calls(path: Path, session_id: str = "run-1") -> list[object]:
    reader = Reader(path, session_id)
    try:
        return [reader.call(seq) for seq in reader.calls]
    finally:
        reader.close()


def test_a_call_begins_and_ends(path: Path, connection: sqlite3.Connection) -> None:
    made = Inserter(connection)
    made.session(RECORD)
    begun = replace(CALL, response=b"", status=0)
    made.call(begun, ended=False)
    assert all_calls(path) == []
    before = end_of_stream(connection, 1)
    made.call(CALL, ended=True)
    assert all_calls(path) == [CALL]
    assert end_of_stream(connection, 1) - before < 1000, "the request is not stored again"
    made.call(begun, ended=False)
    assert all_calls(path) == [CALL], "what has ended does not begin again"
    (found,) = sessions(path, "")
    assert found.body_bytes == len(CALL.request) + len(CALL.response)


def test_a_request_that_was_not_known_at_the_beginning_is_known_at_the_end(
    path: Path, connection: sqlite3.Connection
) -> None:
    made = Inserter(connection)
    made.session(RECORD)
    made.call(replace(CALL, request=b"", response=b""), ended=False)
    made.call(CALL, ended=True)
    made.call(replace(CALL, seq=2, request=b""), ended=True)
    assert all_calls(path) == [CALL, replace(CALL, seq=2, request=b"")]
    (found,) = sessions(path, "")
    assert found.body_bytes == len(CALL.request) + 2 * len(CALL.response)


def test_what_ended_before_its_request_does_not_begin_again(path: Path, connection: sqlite3.Connection) -> None:
    made = Inserter(connection)
    made.session(RECORD)
    ended = replace(CALL, request=b"")
    made.call(ended, ended=True)
    made.call(replace(CALL, response=b"", status=0), ended=False)
    assert all_calls(path) == [ended]
    (found,) = sessions(path, "")
    assert found.body_bytes == len(ended.response)


def test_calls_of_a_session_that_is_not_known_are_kept(path: Path, connection: sqlite3.Connection) -> None:
    Inserter(connection).call(CALL, ended=True)
    assert all_calls(path) == [CALL]
    assert sessions(path, "") == []


def test_what_is_forgotten_is_read_again(
    path: Path, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insert, "_MAX_OPEN", 2)
    made = Inserter(connection)
    calls = []
    for turn in range(1, 4):
        for number in range(4):
            body = request(*(item(at, f"of {number}") for at in range(turn)))
            calls.append(replace(CALL, session_id=f"run-{number}", seq=turn, request=body))
            made.call(calls[-1], ended=True)
        made.forget()
    assert made.due == {1, 2, 3, 4}
    for number in range(4):
        name = f"run-{number}"
        assert all_calls(path, name) == [call for call in calls if call.session_id == name]


def test_a_number_is_used_once(path: Path, connection: sqlite3.Connection) -> None:
    made = Inserter(connection)
    made.call(CALL, ended=True)
    for table in ("calls", "hot", "sessions"):
        connection.execute(f"DELETE FROM {table}")
    made.drop("run-1")
    made.call(replace(CALL, session_id="run-2"), ended=True)
    assert connection.execute("SELECT number FROM sessions").fetchall() == [(2,)]
    assert all_calls(path, "run-2") == [replace(CALL, session_id="run-2")]


def test_large_bodies_are_stored_in_pieces(
    path: Path, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insert, "BLOCK_BYTES", 1000)
    made = Inserter(connection)
    call = replace(CALL, request=bytes(range(256)) * 20, response=b"r" * 2500)
    made.call(call, ended=True)
    assert all_calls(path) == [call]
    assert connection.execute("SELECT count(*) > 7 FROM hot").fetchone() == (1,)
    assert made.due == {1}

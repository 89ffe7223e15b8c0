"""The trace store's file."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from oneshot_proxy.storage import file
from oneshot_proxy.store import Store
from oneshot_shared.errors import NotReady
from proxy.test_records import RECORD
from proxy.test_store import CALL


def test_a_new_file_is_private_and_gives_pages_back(tmp_path: Path) -> None:
    path = tmp_path / "state" / "proxy.sqlite"
    file.prepare(path)
    file.prepare(path)
    assert path.stat().st_mode & 0o077 == 0
    with closing(file.connect(path)) as connection:
        pragmas = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("auto_vacuum", "journal_mode", "user_version")
        ]
    assert pragmas == [2, "wal", file.VERSION]


def test_an_older_file_is_moved_aside_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "proxy.sqlite"
    with closing(sqlite3.connect(path)) as old:
        old.executescript("CREATE TABLE sessions (session_id TEXT); INSERT INTO sessions VALUES ('kept');")
    file.prepare(path)
    (aside,) = tmp_path.glob("proxy.sqlite.v0-*")
    with closing(sqlite3.connect(aside)) as old:
        assert old.execute("SELECT session_id FROM sessions").fetchall() == [("kept",)]
    assert capsys.readouterr().out.count("moved aside") == 1
    with closing(file.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (0,)


def test_a_newer_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "proxy.sqlite"
    file.prepare(path)
    with closing(file.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version={file.VERSION + 1}")
    with pytest.raises(NotReady, match="has version 3, this program knows 2: use the newer oneshot, or move the file"):
        file.prepare(path)
    assert [each.name for each in tmp_path.iterdir()] == ["proxy.sqlite"]


@pytest.mark.parametrize("content", [b"no database" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_of_another_kind_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "proxy.sqlite"
    path.write_bytes(content)
    with pytest.raises(sqlite3.DatabaseError):
        file.prepare(path)
    assert path.read_bytes() == content


def test_an_unreadable_record_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "proxy.sqlite"
    file.prepare(path)
    with closing(file.connect(path)) as connection:
        connection.execute("INSERT INTO sessions (session_id, record) VALUES ('run-1', '{')")
    with pytest.raises(sqlite3.DatabaseError, match="the record of session 'run-1' cannot be read"):
        file.prepare(path)


async def test_what_was_in_flight_ends_as_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "proxy.sqlite"
    first = Store(path)
    first.put(RECORD)
    first.put(CALL)
    first.begin(replace(CALL, seq=2, status=0, response=b"", error=""))
    first.put(replace(RECORD, session_id="run-2", closed_at=300.0))
    first.begin(replace(CALL, session_id="run-2", seq=1))
    await first.flush()
    assert [call.seq async for call in first.calls("run-1")] == [1]
    second = Store(path)
    record = await second.session("run-1")
    assert record is not None
    assert record.closed_at > 0
    assert record.upstream_failure == "the proxy was restarted while this session was open"
    assert (record.calls, record.alarms) == (2, ("1 call was cut when the proxy was killed",))
    calls = [call async for call in second.calls("run-1")]
    assert calls[0] == CALL
    assert (calls[1].status, calls[1].request, calls[1].response) == (0, CALL.request, b"")
    assert calls[1].error == "cut: the proxy was killed while this call was in flight"
    late = await second.session("run-2")
    assert late is not None
    assert (late.closed_at, late.upstream_failure) == (300.0, "")
    assert late.alarms == ("1 call was cut when the proxy was killed",)
    assert "calls=2 sessions=2" in capsys.readouterr().out
    assert (await second.verify("run-1")).damaged == ()
    await second.close()
    await first.close()

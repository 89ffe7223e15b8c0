"""The SQLite file: its schema, its version, and what a killed process left in it."""

import contextlib
import datetime as dt
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from oneshot_proxy.storage import records
from oneshot_shared import logs
from oneshot_shared.errors import NotReady

VERSION = 2
TIMEOUT = 30.0
FLIGHT, ENDED, CUT = 0, 1, 2
"""`calls.state`."""
_SCHEMA = """
-- opened_at, closed_at, body_bytes: also in SQL's reach; record: the other fields as JSON, NULL while only calls are known
CREATE TABLE sessions (
  number INTEGER PRIMARY KEY, session_id TEXT NOT NULL UNIQUE, opened_at REAL NOT NULL DEFAULT 0,
  closed_at REAL NOT NULL DEFAULT 0, body_bytes INTEGER NOT NULL DEFAULT 0, record TEXT
);
-- a request is the first `kept` bytes of the parent's, then ranges of the session's stream; so are response and meta (JSON)
CREATE TABLE calls (
  session INTEGER, seq INTEGER, parent INTEGER NOT NULL, kept INTEGER NOT NULL, request TEXT NOT NULL,
  request_sha256 BLOB NOT NULL, state INTEGER NOT NULL, response TEXT NOT NULL, response_sha256 BLOB NOT NULL,
  meta TEXT NOT NULL, PRIMARY KEY (session, seq)
) WITHOUT ROWID;
-- the stream: `start` is the offset of what `data` holds, compressed with zstd
CREATE TABLE blocks (session INTEGER, start INTEGER, data BLOB NOT NULL, PRIMARY KEY (session, start)) WITHOUT ROWID;
CREATE TABLE hot (session INTEGER, start INTEGER, data BLOB NOT NULL, PRIMARY KEY (session, start)) WITHOUT ROWID;
"""
# a page is the least that each table and index takes: a tenth of a session of 30 turns, were it 4096
_PAGE_BYTES = 2048
_RESTARTED = "the proxy was restarted while this session was open"


def prepare(path: Path) -> None:
    """Open or create the file (0600), end what an earlier process left open.

    A file of an older version is moved aside. :raises OSError: the file cannot be made. sqlite3.Error: it is no trace store.
    NotReady: a newer version wrote it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and (older := _older(path)) is not None:
        aside = path.with_name(f"{path.name}.v{older}-{dt.datetime.now(dt.UTC):%Y%m%d_%H%M%S}")
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
        logs.get().warning("the trace store of an older version was moved aside", version=older, to=str(aside))
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    path.chmod(0o600)
    with closing(connect(path)) as connection:
        if not _version(connection):
            connection.executescript(
                f"PRAGMA page_size={_PAGE_BYTES}; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; BEGIN; {_SCHEMA}"
                f"PRAGMA user_version={VERSION}; COMMIT;"
            )
        with transaction(connection):
            cut = _recover(connection)
    if cut:
        logs.get().warning("calls were cut when the proxy was killed", calls=sum(cut.values()), sessions=len(cut))


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode."""
    connection = sqlite3.connect(path, timeout=TIMEOUT, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous=NORMAL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _older(path: Path) -> int | None:
    """The version of a file that is older than this program; None for one that can be used, or is empty."""
    with closing(connect(path)) as connection:
        version = _version(connection)
        empty = not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if version > VERSION:
        raise NotReady(
            f"the trace store {path} has version {version}, this program knows {VERSION}: use the newer oneshot, or move the file"
        )
    return None if version == VERSION or empty else version


def _recover(connection: sqlite3.Connection) -> dict[int, int]:
    """Close the sessions of an earlier process; its calls in flight end as cut, and their sessions say how many."""
    query = "SELECT session, count(*) FROM calls WHERE state = ? GROUP BY session"
    cut: dict[int, int] = dict(connection.execute(query, (FLIGHT,)).fetchall())
    connection.execute("UPDATE calls SET state = ? WHERE state = ?", (CUT, FLIGHT))
    query = (
        "SELECT number, session_id, record FROM sessions WHERE record IS NOT NULL AND (closed_at = 0 OR number IN (%s))"
    )
    for number, session_id, text in connection.execute(query % ",".join(map(str, cut))).fetchall():
        try:
            record = records.session(text, session_id=session_id)
        except (ValueError, TypeError, KeyError):
            raise sqlite3.DatabaseError(f"the record of session {session_id!r} cannot be read") from None
        if not record.closed_at:
            record = replace(record, closed_at=time.time(), upstream_failure=_RESTARTED)
        if count := cut.get(number, 0):
            words = "1 call was" if count == 1 else f"{count} calls were"
            record = replace(record, alarms=(*record.alarms, f"{words} cut when the proxy was killed"))
        (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM calls WHERE session = ?", (number,)).fetchone()
        record = replace(record, calls=max(record.calls, last))
        values = (record.closed_at, records.dump(record), number)
        connection.execute("UPDATE sessions SET closed_at = ?, record = ? WHERE number = ?", values)
    return cut

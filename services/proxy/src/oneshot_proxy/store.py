"""The trace store: SQLite in WAL mode, written by one background thread so that no stream ever waits for the disk."""

import asyncio
import errno
import json
import os
import queue
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import zstandard

from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_proxy.usage import Usage
from oneshot_shared import logs

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
  session_id TEXT PRIMARY KEY, model TEXT, upstream TEXT, opened_at REAL, expires_at REAL, closed_at REAL,
  calls INTEGER, calls_succeeded INTEGER,
  input_tokens INTEGER, cached_tokens INTEGER, output_tokens INTEGER, reasoning_tokens INTEGER, cost_usd REAL,
  cache_write_tokens INTEGER, cache_write_1h_tokens INTEGER,
  stopped_by TEXT, upstream_failure TEXT, kind TEXT, calls_decoded INTEGER, alarms TEXT, drift TEXT,
  stored_bytes INTEGER, body_bytes INTEGER
);
CREATE TABLE IF NOT EXISTS calls (
  session_id TEXT, seq INTEGER, request_line TEXT, request BLOB, status INTEGER, content_type TEXT, response BLOB,
  started_at REAL, first_byte_seconds REAL, seconds REAL,
  input_tokens INTEGER, cached_tokens INTEGER, output_tokens INTEGER, reasoning_tokens INTEGER, cost_usd REAL,
  cache_write_tokens INTEGER, cache_write_1h_tokens INTEGER,
  error TEXT, request_headers TEXT, response_headers TEXT, wire_api TEXT, first_token_seconds REAL, last_token_seconds REAL,
  undecoded TEXT, PRIMARY KEY (session_id, seq)
);
"""
_RESTARTED = "the proxy was restarted while this session was open"
_LEVEL = 3
_TUPLES = frozenset({"alarms", "drift", "request_headers", "response_headers", "undecoded"})
_TIMEOUT = 30.0
type _Barrier = Callable[[OSError | None], None]
type _Job = SessionRecord | CallRecord | _Barrier | None


class Store:
    """Open it once a process. What cannot be written is kept and tried again; `flush` says so meanwhile."""

    def __init__(self, path: Path) -> None:
        """Open or create the file (0600), and close the sessions of an earlier process.

        :raises OSError: the file cannot be made. sqlite3.Error: it is no trace store.
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        path.chmod(0o600)
        self._path = path
        with closing(sqlite3.connect(path, timeout=_TIMEOUT)) as connection, connection:
            connection.executescript(f"PRAGMA journal_mode=WAL;{_SCHEMA}")
            connection.execute(
                "UPDATE sessions SET closed_at = ?, upstream_failure = ? WHERE closed_at = 0", (time.time(), _RESTARTED)
            )
        self.problem = ""
        """Why the last write failed; empty when it did not."""
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="trace store", daemon=True)
        self._thread.start()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=_TIMEOUT)
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    def put(self, record: SessionRecord | CallRecord) -> None:
        """Queue a record; a later one with the same key replaces it."""
        self._jobs.put(record)

    async def flush(self) -> None:
        """Wait until everything queued before is in the file. :raises OSError: it cannot be written."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[OSError | None] = loop.create_future()
        self._jobs.put(lambda problem: _answer(loop, done, problem))
        if problem := await done:
            raise problem

    async def close(self) -> None:
        """Write what is queued and stop."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    async def session(self, session_id: str) -> SessionRecord | None:
        """One session as it was last queued."""
        found = await self._read("SELECT * FROM sessions WHERE session_id = ?", session_id)
        return _record(SessionRecord, found[0]) if found else None

    async def sessions(self, limit: int) -> list[SessionRecord]:
        """The newest sessions, newest first."""
        rows = await self._read("SELECT * FROM sessions ORDER BY opened_at DESC, rowid DESC LIMIT ?", limit)
        return [_record(SessionRecord, row) for row in rows]

    async def calls(self, session_id: str) -> AsyncIterator[CallRecord]:
        """A session's calls in the order of their start, one at a time."""
        sequence = await self._read("SELECT seq FROM calls WHERE session_id = ? ORDER BY seq", session_id)
        for (seq,) in sequence:
            for row in await self._read("SELECT * FROM calls WHERE session_id = ? AND seq = ?", session_id, seq):
                yield _record(CallRecord, row)

    async def _read(self, query: str, *values: object) -> list[sqlite3.Row]:
        await self.flush()

        def read() -> list[sqlite3.Row]:
            with closing(self._connect()) as connection:
                connection.row_factory = sqlite3.Row
                return connection.execute(query, values).fetchall()

        return await asyncio.to_thread(read)

    def _write_all(self) -> None:
        """The background thread: everything that waits goes into one transaction."""
        connection = self._connect()
        pending: list[SessionRecord | CallRecord] = []
        problem: OSError | None = None
        running = True
        while running:
            jobs = [self._jobs.get()]
            while not self._jobs.empty():
                jobs.append(self._jobs.get())
            running = None not in jobs
            pending += [job for job in jobs if isinstance(job, SessionRecord | CallRecord)]
            problem = _write(connection, pending)
            self.problem = problem.strerror or str(problem) if problem else ""
            if problem is None:
                pending.clear()
            for job in jobs:
                if callable(job):
                    job(problem)
        connection.close()


def _answer(loop: asyncio.AbstractEventLoop, done: asyncio.Future[OSError | None], problem: OSError | None) -> None:
    def settle() -> None:
        if not done.done():
            done.set_result(problem)

    loop.call_soon_threadsafe(settle)


def _write(connection: sqlite3.Connection, records: list[SessionRecord | CallRecord]) -> OSError | None:
    try:
        with connection:
            for record in records:
                _insert(connection, "sessions" if isinstance(record, SessionRecord) else "calls", _row(record))
    except (sqlite3.Error, ValueError, OverflowError, MemoryError) as error:  # the thread must outlive all of them
        full = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL
        logs.get().error("the trace store cannot be written", error=str(error), waiting=len(records))
        return OSError(
            errno.ENOSPC if full else errno.EIO, f"the trace store cannot be written ({error}); free its disk"
        )
    return None


def _insert(connection: sqlite3.Connection, table: str, values: dict[str, object]) -> None:
    names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    connection.execute(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", values)  # noqa: S608 -- ours


def _row(record: SessionRecord | CallRecord) -> dict[str, object]:
    """A record's fields, with those of its usage beside them and bodies compressed."""
    values = asdict(record)
    values |= values.pop("usage")
    return {name: _packed(value) for name, value in values.items()}


def _packed(value: object) -> object:
    if isinstance(value, tuple):
        return json.dumps(value)
    return zstandard.compress(value, _LEVEL) if isinstance(value, bytes) else value


def _unpacked(name: str, value: Any) -> Any:  # noqa: ANN401 -- a column's
    if name in _TUPLES:
        return tuple(tuple(each) if isinstance(each, list) else each for each in json.loads(value))
    return zstandard.decompress(value) if isinstance(value, bytes) else value


def _record[R: (SessionRecord, CallRecord)](kind: type[R], row: sqlite3.Row) -> R:
    """The reverse."""
    values: dict[str, Any] = {name: _unpacked(name, value) for name, value in zip(row.keys(), row, strict=True)}
    usage = Usage(**{field.name: values.pop(field.name) for field in fields(Usage)})
    return kind(usage=usage, **values)

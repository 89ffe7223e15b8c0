"""One record into the file, within the writer's transaction."""

import json
import sqlite3
from collections import OrderedDict
from dataclasses import dataclass

import zstandard

from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_proxy.storage import records
from oneshot_proxy.storage.file import ENDED, FLIGHT
from oneshot_proxy.storage.seal import BLOCK_BYTES
from oneshot_proxy.storage.stream import Known, Stream

_LEVEL = 1  # measured: level 3 makes `hot` 3 % smaller, and it is sealed soon
_MAX_OPEN = 64


@dataclass
class _Open:
    """A session that was written to lately; `hot` bytes of its stream lie in the table of that name."""

    stream: Stream
    closed: bool
    hot: int = 0


class Inserter:
    """Remembers the sessions that were written to lately. All of that can be read from the file again, or done without."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._known = Known()
        (self._last,) = connection.execute("SELECT coalesce(max(number), 0) FROM sessions").fetchone()
        self.due: set[int] = {number for (number,) in connection.execute("SELECT DISTINCT session FROM hot")}
        """Sessions whose part of `hot` is to be sealed."""

    def forget(self) -> None:
        """After a transaction that failed: what was remembered in it is not true."""
        self.due |= {found.stream.number for found in self._open.values() if found.hot}
        self._open.clear()
        self._known = Known()

    def drop(self, session_id: str) -> None:
        """After a session was deleted."""
        self._open.pop(session_id, None)

    def session(self, record: SessionRecord) -> None:
        """Insert or replace."""
        found = self._session(record.session_id)
        found.closed = bool(record.closed_at)
        self._connection.execute(
            "UPDATE sessions SET opened_at = ?, closed_at = ?, record = ? WHERE number = ?",
            (record.opened_at, record.closed_at, records.dump(record), found.stream.number),
        )
        self._note(found, 0)

    def call(self, record: CallRecord, ended: bool) -> None:
        """Insert, or put the end to what has begun: its request stays as it was then, unless it was empty.

        What has ended never begins again, whatever it holds: an answer may come before the request's end.
        """
        found = self._session(record.session_id)
        stream, key = found.stream, (found.stream.number, record.seq)
        query = "SELECT state, response, kept > 0 OR request != '[]' FROM calls WHERE session = ? AND seq = ?"
        state, before, has_request = self._connection.execute(query, key).fetchone() or (FLIGHT, "[]", False)
        if state != FLIGHT and not ended:
            return
        request = None if has_request else stream.request(record.seq, record.request)
        response, response_sha256 = stream.add(record.response)
        meta, _ = stream.add(records.dump(record).encode())
        size = len(record.response) - sum(length for _, length in json.loads(before))
        end = (ENDED if ended else FLIGHT, _text(response), response_sha256, _text(meta))
        if request:
            start = (request.parent, request.kept, _text(request.ranges), request.digest)
            self._connection.execute(
                "INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*key, *start, *end)
            )
            size += len(record.request)
        else:
            columns = "state = ?, response = ?, response_sha256 = ?, meta = ?"
            self._connection.execute(f"UPDATE calls SET {columns} WHERE session = ? AND seq = ?", (*end, *key))  # noqa: S608 -- ours
        query = "UPDATE sessions SET body_bytes = body_bytes + ? WHERE number = ?"
        self._connection.execute(query, (size, stream.number))
        self._append(found)

    def _append(self, found: _Open) -> None:
        """What is new in the stream, compressed by itself for now."""
        new = found.stream.take()
        start = found.stream.end - len(new)
        for at in range(0, len(new), BLOCK_BYTES):
            data = zstandard.compress(new[at : at + BLOCK_BYTES], _LEVEL)
            self._connection.execute("INSERT INTO hot VALUES (?, ?, ?)", (found.stream.number, start + at, data))
        self._note(found, len(new))

    def _note(self, found: _Open, added: int) -> None:
        found.hot += added
        if found.hot >= BLOCK_BYTES or (found.hot and found.closed):
            self.due.add(found.stream.number)
            found.hot = 0

    def _session(self, session_id: str) -> _Open:
        if session_id not in self._open:
            if len(self._open) >= _MAX_OPEN:
                _, oldest = self._open.popitem(last=False)
                self.due |= {oldest.stream.number} if oldest.hot else set()
            self._open[session_id] = self._loaded(session_id)
        self._open.move_to_end(session_id)
        return self._open[session_id]

    def _loaded(self, session_id: str) -> _Open:
        query = "SELECT number, closed_at FROM sessions WHERE session_id = ?"
        if row := self._connection.execute(query, (session_id,)).fetchone():
            return _Open(Stream(row[0], self._known, end_of_stream(self._connection, row[0])), bool(row[1]))
        self._last += 1  # never one that was used before: `known` outlives sessions
        self._connection.execute("INSERT INTO sessions (number, session_id) VALUES (?, ?)", (self._last, session_id))
        return _Open(Stream(self._last, self._known), False)


def end_of_stream(connection: sqlite3.Connection, number: int) -> int:
    """How many bytes a session's stream has."""
    for table in ("hot", "blocks"):
        query = f"SELECT start, data FROM {table} WHERE session = ? ORDER BY start DESC LIMIT 1"  # noqa: S608 -- ours
        if row := connection.execute(query, (number,)).fetchone():
            return int(row[0]) + zstandard.frame_content_size(row[1])
    return 0


def _text(ranges: list[list[int]]) -> str:
    return json.dumps(ranges, separators=(",", ":"))

"""Sessions deleted, and their space given back to the file system."""

import sqlite3
import time
from collections.abc import Collection, Sequence

from oneshot_proxy.storage import file
from oneshot_shared.errors import NotReady

_STEP_PAGES = 2048  # 4 MB: the writer has other work in between
_TABLES = {"calls": "session", "blocks": "session", "hot": "session", "sessions": "number"}


def chosen(
    connection: sqlite3.Connection, session_ids: Sequence[str], older_than: float | None, busy: Collection[str]
) -> dict[int, str]:
    """Closed sessions, oldest first: those named, and those closed longer ago than so many seconds; `busy` count as open.

    :raises FileNotFoundError: one of the named is not there. NotReady: one is open, or has calls in flight.
    """
    in_use = "closed_at = 0 OR EXISTS (SELECT 1 FROM calls WHERE session = number AND state = ?)"
    query = f"SELECT number, session_id, closed_at, {in_use} FROM sessions ORDER BY opened_at, number"  # noqa: S608 -- ours
    rows = [(*row, used or row[1] in busy) for *row, used in connection.execute(query, (file.FLIGHT,))]
    states = {session_id: is_busy for _, session_id, _, is_busy in rows}
    for session_id in session_ids:
        if session_id not in states:
            raise FileNotFoundError(f"there is no session {session_id!r}; list them with ListSessions")
        if states[session_id]:
            raise NotReady(f"session {session_id!r} is open or has calls in flight; close it first")
    before = time.time() - older_than if older_than is not None else 0.0
    return {
        number: session_id
        for number, session_id, closed_at, is_busy in rows
        if not is_busy and (session_id in session_ids or closed_at < before)
    }


def stored_bytes(connection: sqlite3.Connection, numbers: Sequence[int]) -> int:
    """What the sessions' streams take."""
    total = 0
    for number in numbers:
        for table in ("blocks", "hot"):
            query = f"SELECT coalesce(sum(length(data)), 0) FROM {table} WHERE session = ?"  # noqa: S608 -- ours
            total += connection.execute(query, (number,)).fetchone()[0]
    return total


def delete(connection: sqlite3.Connection, number: int) -> None:
    """All of a session."""
    with file.transaction(connection):
        for table, column in _TABLES.items():
            connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (number,))  # noqa: S608 -- ours


def give_back(connection: sqlite3.Connection) -> int:
    """Give some unused pages back to the file system: so many bytes; 0 when there are none left."""
    (before,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA incremental_vacuum({_STEP_PAGES})").fetchall()
    (after,) = connection.execute("PRAGMA page_count").fetchone()
    if after < before:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int((before - after) * size)

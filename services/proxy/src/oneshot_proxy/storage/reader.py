"""Sessions and calls as they were recorded: each body is compared with its SHA-256 before anybody sees it."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_proxy.storage import file, records
from oneshot_proxy.storage.rebuild import Rebuilder
from oneshot_proxy.storage.stream import DIGEST_BYTES
from oneshot_shared.errors import DataLoss

_BROKEN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_SESSIONS = """
SELECT session_id, record, body_bytes,
  (SELECT coalesce(sum(length(data)), 0) FROM blocks WHERE session = number)
  + (SELECT coalesce(sum(length(data)), 0) FROM hot WHERE session = number)
FROM sessions WHERE record IS NOT NULL
"""


@dataclass(frozen=True)
class Verification:
    """What a check of a session found; `damaged` has a sentence for each call that is not as it was recorded."""

    calls: int
    body_bytes: int
    damaged: tuple[str, ...]


def sessions(path: Path, where: str, *values: object) -> list[SessionRecord]:
    """Sessions, chosen by the end of a query over the table of that name. :raises DataLoss: they cannot be read."""
    with closing(file.connect(path)) as connection, _damage_as_loss("the list of sessions"):
        rows = connection.execute(f"{_SESSIONS} {where}", values).fetchall()
        return [
            records.session(text, session_id=name, body_bytes=size, stored_bytes=stored)
            for name, text, size, stored in rows
        ]


class Reader:
    """Reads the calls of one session while others write; not for two threads at once."""

    def __init__(self, path: Path, session_id: str) -> None:
        """Look up which calls have ended. :raises DataLoss: that cannot be read."""
        self._session_id = session_id
        self._connection = file.connect(path)
        try:
            with _damage_as_loss(f"session {session_id!r}"):
                self._number, self.calls = self._found()
        except BaseException:
            self._connection.close()
            raise
        self._rebuilder = Rebuilder(self._connection, self._number)

    def _found(self) -> tuple[int, list[int]]:
        query = "SELECT coalesce(max(number), 0) FROM sessions WHERE session_id = ?"
        (number,) = self._connection.execute(query, (self._session_id,)).fetchone()
        query = "SELECT seq FROM calls WHERE session = ? AND state != ? ORDER BY seq"
        return number, [seq for (seq,) in self._connection.execute(query, (number, file.FLIGHT))]

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def call(self, seq: int) -> CallRecord:
        """One of `calls`. :raises DataLoss: it is not what was recorded. FileNotFoundError: it was deleted meanwhile."""
        with _damage_as_loss(f"call {seq} of session {self._session_id!r}"):
            query = (
                "SELECT state, request_sha256, response, response_sha256, meta FROM calls WHERE session = ? AND seq = ?"
            )
            row = self._connection.execute(query, (self._number, seq)).fetchone()
            if row is None:
                raise FileNotFoundError(f"session {self._session_id!r} was deleted while it was read")
            state, request_sha256, response_ranges, response_sha256, meta = row
            request = _checked("request", self._rebuilder.request(seq), request_sha256)
            response = _checked("response", self._rebuilder.body(json.loads(response_ranges)), response_sha256)
            text = self._rebuilder.body(json.loads(meta)).decode()
            fixed = {"session_id": self._session_id, "seq": seq, "request": request, "response": response}
            return records.call(text, state == file.CUT, **fixed)

    def verify(self) -> Verification:
        """Read every call."""
        size, damaged = 0, []
        for seq in self.calls:
            try:
                call = self.call(seq)
                size += len(call.request) + len(call.response)
            except DataLoss as error:
                damaged.append(str(error))
        return Verification(len(self.calls), size, tuple(damaged))


def _checked(name: str, body: bytes, sha256: bytes) -> bytes:
    if hashlib.sha256(body).digest()[:DIGEST_BYTES] != sha256:
        raise ValueError(f"its {name} has another checksum")
    return body


@contextmanager
def _damage_as_loss(what: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, KeyError, sqlite3.DatabaseError) as error:
        if isinstance(error, sqlite3.DatabaseError) and error.sqlite_errorcode & 0xFF not in _BROKEN:
            raise
        raise DataLoss(f"{what} is not what was recorded ({error}); restore the trace store from a copy") from None

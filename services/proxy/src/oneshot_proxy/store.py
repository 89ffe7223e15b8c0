"""The trace store: what the proxy recorded, in one SQLite file. Its rooms, and how it saves space, are in storage/README.md."""

import asyncio
import concurrent.futures
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_proxy.storage import file, prune, reader
from oneshot_proxy.storage.insert import Inserter
from oneshot_proxy.storage.reader import Reader, Verification
from oneshot_proxy.storage.writer import Writer

# whole sessions are read with these threads alone: the process's own ones, and lists of sessions, wait for none
_READERS = 4


@dataclass(frozen=True)
class Pruned:
    """Deleted sessions, oldest first, and the bytes that the file system got back."""

    session_ids: tuple[str, ...]
    freed_bytes: int


class Store:
    """Open it once a process. Only its own thread writes: no stream ever waits for the disk."""

    def __init__(self, path: Path) -> None:
        """Open or create the file (0600), and end what an earlier process left open.

        :raises OSError: the file cannot be made. sqlite3.Error: it is no trace store. NotReady: a newer version wrote it.
        """
        file.prepare(path)
        self._path = path
        self._writer = Writer(path)
        self._readers = concurrent.futures.ThreadPoolExecutor(_READERS, "trace reader")

    @property
    def problem(self) -> str:
        """Why nothing can be recorded at the moment; empty when it can."""
        return self._writer.problem

    @property
    def behind(self) -> bool:
        """Whether `problem` is only that the disk is slow: it may pass by itself."""
        return self._writer.behind

    def lost_calls(self, session_id: str) -> int:
        """Calls of a session that were not kept, because the disk was full or slow and too much waited for it."""
        return self._writer.lost.get(session_id, 0)

    def begin(self, record: CallRecord) -> None:
        """Queue a call that is on its way. If the process is killed before `put`, the next one ends its record as cut."""
        self._writer.put(record, ended=False)

    def put(self, record: SessionRecord | CallRecord) -> None:
        """Queue a record. A later one with the same key replaces it; a call's request stays as it was recorded first."""
        self._writer.put(record, ended=True)

    async def flush(self) -> None:
        """Wait until everything queued before is in the file. :raises OSError: it cannot be written."""
        await self._ask(lambda _connection, _inserter: None)

    async def close(self) -> None:
        """Write what is queued and stop."""
        await asyncio.to_thread(self._writer.close)
        self._readers.shutdown(wait=False, cancel_futures=True)

    async def session(self, session_id: str) -> SessionRecord | None:
        """One session as it was last queued. :raises DataLoss: it cannot be read."""
        found = await self._sessions("AND session_id = ?", session_id)
        return found[0] if found else None

    async def sessions(self, limit: int) -> list[SessionRecord]:
        """The newest sessions, newest first. :raises DataLoss: they cannot be read."""
        return await self._sessions("ORDER BY opened_at DESC, number DESC LIMIT ?", limit)

    async def calls(self, session_id: str) -> AsyncIterator[CallRecord]:
        """A session's calls that have ended, in the order of their start, one at a time.

        :raises DataLoss: one is not what was recorded. FileNotFoundError: the session is deleted meanwhile.
        """
        await self.flush()
        opened = await self._read(Reader, self._path, session_id)
        try:
            for seq in opened.calls:
                yield await self._read(opened.call, seq)
        finally:
            opened.close()

    async def verify(self, session_id: str) -> Verification:
        """Rebuild every body of a session and compare it with its checksum."""
        await self.flush()
        opened = await self._read(Reader, self._path, session_id)
        try:
            return await self._read(opened.verify)
        finally:
            opened.close()

    async def prune(
        self, session_ids: Sequence[str], older_than: float | None, dry_run: bool, busy: Collection[str] = ()
    ) -> Pruned:
        """Delete closed sessions: those named, and those closed longer ago than so many seconds; none that is `busy`.

        :raises FileNotFoundError, NotReady: as the contract says; then nothing was deleted.
        """
        found = await self._ask(lambda connection, _: prune.chosen(connection, session_ids, older_than, busy))
        if dry_run:
            freed = await self._ask(lambda connection, _: prune.stored_bytes(connection, list(found)))
            return Pruned(tuple(found.values()), freed)

        for number, session_id in found.items():  # a question each: records are written in between
            await self._ask(partial(_delete, number, session_id))
            self._writer.lost.pop(session_id, None)
        freed = 0
        while step := await self._ask(lambda connection, _: prune.give_back(connection)):
            freed += step
        return Pruned(tuple(found.values()), freed)

    async def _sessions(self, where: str, *values: object) -> list[SessionRecord]:
        await self.flush()
        return await asyncio.to_thread(reader.sessions, self._path, where, *values)

    async def _read[*A, T](self, work: Callable[[*A], T], *arguments: *A) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, work, *arguments)

    async def _ask[T](self, work: Callable[[sqlite3.Connection, Inserter], T]) -> T:
        """The result of some work in the writer's thread."""
        result: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._writer.ask(work, result)
        return await asyncio.wrap_future(result)


def _delete(number: int, session_id: str, connection: sqlite3.Connection, inserter: Inserter) -> None:
    prune.delete(connection, number)
    inserter.drop(session_id)

"""The thread that alone writes. Its queue is bounded in bytes: a slow or full disk stalls no stream and eats no memory."""

import errno
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_proxy.storage import file, prune
from oneshot_proxy.storage.insert import Inserter
from oneshot_proxy.storage.seal import seal
from oneshot_shared import logs

MAX_WAITING_BYTES = 64 * 1024 * 1024
"""So much may wait to be written, and one call more, whatever its size; beyond it calls are lost, and counted."""
_MAX_BATCH_BYTES = 8 * 1024 * 1024
_RETRY_SECONDS = 1.0
_RECORD_BYTES = 4096  # what a record weighs beside its bodies, roughly
_SPARE_PAGES = 8192  # 16 MB of unused pages are kept for what comes next


@dataclass(frozen=True)
class _Write:
    """`size`: what it takes of the memory while it waits."""

    record: SessionRecord | CallRecord
    ended: bool
    size: int


@dataclass(frozen=True)
class _Ask:
    work: Callable[[sqlite3.Connection, Inserter], Any]
    result: Future[Any]

    def answer(self, connection: sqlite3.Connection, inserter: Inserter) -> None:
        try:
            self.result.set_result(self.work(connection, inserter))
        except Exception as error:  # noqa: BLE001 -- it belongs to whoever asked
            self.result.set_exception(error)


class Writer:
    """What cannot be written is kept and tried again; `problem` says so meanwhile."""

    def __init__(self, path: Path) -> None:
        self._connection = file.connect(path)
        self._inserter = Inserter(self._connection)
        self._ready = threading.Condition()
        self._queue: deque[_Write | _Ask] = deque()
        self._waiting = 0
        self._begun: dict[tuple[str, int], bytes] = {}
        self._ending = False
        self._gone = False
        self._failure: OSError | None = None
        self.lost: dict[str, int] = {}
        """Calls that were not kept because too much was waiting, by session."""
        self._thread = threading.Thread(target=self._run, name="trace store", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> str:
        """Why records cannot be written at the moment; empty when they can."""
        if (failure := self._failure) is not None:
            return failure.strerror or str(failure)
        if self.behind:
            return f"the trace store's disk is too slow: {self._waiting // 2**20} MiB wait to be written"
        return ""

    @property
    def behind(self) -> bool:
        """Whether as much waits to be written as may, though the disk takes it."""
        return self._failure is None and self._waiting >= MAX_WAITING_BYTES

    def put(self, record: SessionRecord | CallRecord, ended: bool) -> None:
        """Queue a record. Never waits; a call beyond the bound is lost."""
        with self._ready:
            job = _Write(record, ended, self._size(record))
            is_call = isinstance(record, CallRecord)
            if self._gone or (is_call and self._waiting >= MAX_WAITING_BYTES):
                self._lose(job)
                return
            if isinstance(record, CallRecord) and not ended:
                self._begun[record.session_id, record.seq] = record.request
            self._waiting += job.size
            self._queue.append(job)
            self._ready.notify()

    def _size(self, record: SessionRecord | CallRecord) -> int:
        if not isinstance(record, CallRecord):
            return _RECORD_BYTES
        size = _RECORD_BYTES + len(record.response)
        waiting = self._begun.pop((record.session_id, record.seq), None)
        # the same bytes often wait twice, in the call's beginning and in its end
        return size + (0 if waiting is record.request else len(record.request))

    def ask[T](self, work: Callable[[sqlite3.Connection, Inserter], T], result: Future[T]) -> None:
        """Have something done with the writer's connection, after all that was queued before. OSError: that cannot be written."""
        result.set_running_or_notify_cancel()  # from now on it cannot be cancelled
        with self._ready:
            if self._gone:
                result.set_exception(self._failure)
                return
            self._queue.append(_Ask(work, result))
            self._ready.notify()

    def close(self) -> None:
        """Write what is queued, seal what is closed, and stop."""
        with self._ready:
            self._ending = True
            self._ready.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 -- nobody else would ever hear of it
            self._die(error)
        finally:
            self._connection.close()

    def _work(self) -> None:
        while (batch := self._next()) is not None:
            if batch and isinstance(batch[0], _Ask):
                batch[0].answer(self._connection, self._inserter)
            elif batch:
                self._write([job for job in batch if isinstance(job, _Write)])
            self._seal()
        self._tidy()

    def _die(self, error: BaseException) -> None:
        """Nothing will be written any more: whoever waits for it hears of that, now and later."""
        words = f"the trace store's thread has ended ({error!r}); restart the proxy"
        with self._ready:
            self._failure, self._gone = OSError(errno.EIO, words), True
            jobs, self._queue = self._queue, deque()
            for job in jobs:
                if isinstance(job, _Ask):
                    job.result.set_exception(self._failure)
                else:
                    self._lose(job)
        logs.get().critical("the trace store's thread has ended", exc_info=error)

    def _next(self) -> "list[_Write | _Ask] | None":
        """What is to be done now: one question, or the writes before the next one; None at the end of it all.

        While nothing can be written, new writes wait for the next attempt; a question makes one.
        """
        with self._ready:
            if self._failure is None:
                self._ready.wait_for(lambda: self._queue or self._ending or self._inserter.due)
            else:
                self._ready.wait_for(lambda: self._ending or any(map(_is_ask, self._queue)), _RETRY_SECONDS)
            if self._ending and not self._queue:
                return None
            batch: list[_Write | _Ask] = []
            size = 0
            while self._queue and size < _MAX_BATCH_BYTES and not (batch and _is_ask(self._queue[0])):
                job = self._queue.popleft()
                batch.append(job)
                if isinstance(job, _Ask):
                    break
                if isinstance(job.record, CallRecord):
                    self._begun.pop((job.record.session_id, job.record.seq), None)
                size += job.size
            return batch

    def _write(self, batch: list[_Write]) -> None:
        """All of it or nothing."""
        try:
            with file.transaction(self._connection):
                for job in _latest(batch):
                    if isinstance(job.record, CallRecord):
                        self._inserter.call(job.record, job.ended)
                    else:
                        self._inserter.session(job.record)
            self._failure = None
        except Exception as error:  # noqa: BLE001 -- the thread must outlive all of them
            self._inserter.forget()
            broken = type(error) is sqlite3.DatabaseError  # a damaged file
            if broken or isinstance(error, sqlite3.OperationalError | OSError | MemoryError):
                self._fail(error, batch)
            else:
                self._sort_out(error, batch)
            return
        with self._ready:
            self._waiting -= sum(job.size for job in batch)

    def _sort_out(self, error: Exception, batch: list[_Write]) -> None:
        """A fault of ours in one record must not keep the others out: each by itself, and that one is lost."""
        if len(batch) > 1:
            for job in batch:
                self._write([job])
            return
        (job,) = batch
        logs.get().error("a record cannot be stored", session=job.record.session_id, exc_info=error)
        with self._ready:
            self._waiting -= job.size
            self._lose(job)

    def _lose(self, job: _Write) -> None:
        if isinstance(job.record, CallRecord):
            self.lost[job.record.session_id] = self.lost.get(job.record.session_id, 0) + job.ended

    def _fail(self, error: Exception, batch: list[_Write]) -> None:
        """Keep the writes for later; whoever waits for them hears of it now."""
        full = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL
        words = f"the trace store cannot be written ({error}); free its disk"
        self._failure = OSError(errno.ENOSPC if full else errno.EIO, words)
        with self._ready:
            asks = [job for job in self._queue if isinstance(job, _Ask)]
            writes = [job for job in self._queue if isinstance(job, _Write)]
            self._queue = deque([*batch, *writes] if not self._ending else [])
        logs.get().error("the trace store cannot be written", error=str(error), waiting=len(batch) + len(writes))
        for ask in asks:
            ask.result.set_exception(self._failure)

    def _seal(self) -> None:
        """One block. A session that was just closed is sealed before its final record is read."""
        due = self._inserter.due
        if not due or self._failure:
            return
        number = due.pop()
        try:
            if seal(self._connection, number):
                due.add(number)
            (spare,) = self._connection.execute("PRAGMA freelist_count").fetchone()
            if spare > _SPARE_PAGES:
                prune.give_back(self._connection)
        except Exception as error:  # noqa: BLE001 -- what is not sealed can be read all the same
            logs.get().error("a session in the trace store cannot be sealed", number=number, error=str(error))

    def _tidy(self) -> None:
        """Seal the rest, and leave a file that is as small as it can be."""
        while self._inserter.due and not self._failure:
            self._seal()
        try:
            while prune.give_back(self._connection):
                pass
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except Exception as error:  # noqa: BLE001 -- the file is whole without it
            logs.get().error("the trace store cannot be tidied up", error=str(error))


def _latest(batch: list[_Write]) -> list[_Write]:
    """The last record of each key only, and of a call its end: most calls of a busy moment have ended by now."""
    last: dict[tuple[type, str, int], _Write] = {}
    for job in batch:
        key = (type(job.record), job.record.session_id, getattr(job.record, "seq", 0))
        if job.ended or key not in last or not last[key].ended:
            last[key] = job
    return list(last.values())


def _is_ask(job: _Write | _Ask) -> bool:
    return isinstance(job, _Ask)

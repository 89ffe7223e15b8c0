"""The run store: every run and every step of it, in SQLite. The journal is what recovery and watching read."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot_shared import logs

_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (number INTEGER PRIMARY KEY, run_id TEXT UNIQUE NOT NULL, run BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS requests (run_id TEXT PRIMARY KEY, request BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
  run_id TEXT NOT NULL, seq INTEGER NOT NULL, event BLOB NOT NULL, PRIMARY KEY (run_id, seq)
) WITHOUT ROWID;
"""


class RunStore:
    """Runs and events as serialized messages of the contract."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        file.chmod(0o600)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._unsaved: dict[str, bytes] = {}

    def add(self, run: pb.Run, request: pb.SubmitRunRequest) -> None:
        """Store a new run, with its request as it was given."""
        given = request.SerializeToString(deterministic=True)
        self._db.execute("INSERT OR REPLACE INTO requests VALUES (?, ?)", (run.run_id, given))
        self._db.execute("INSERT INTO runs (run_id, run) VALUES (?, ?)", (run.run_id, run.SerializeToString()))

    def is_repeat(self, request: pb.SubmitRunRequest) -> bool:
        """Whether the run of this id was asked for in just these words."""
        row = self._db.execute("SELECT request FROM requests WHERE run_id = ?", (request.run_id,)).fetchone()
        return row is not None and bool(row[0] == request.SerializeToString(deterministic=True))

    def save(self, run: pb.Run) -> None:
        """Store a run again. What a full disk does not take is kept in memory, and written with the next run."""
        self._unsaved[run.run_id] = run.SerializeToString()
        try:
            for run_id, content in list(self._unsaved.items()):
                self._db.execute("UPDATE runs SET run = ? WHERE run_id = ?", (content, run_id))
                del self._unsaved[run_id]
        except sqlite3.OperationalError as error:
            logs.get().error("run not stored", run_id=run.run_id, error=str(error))

    def get(self, run_id: str) -> pb.Run | None:
        """A run, or None."""
        row = self._db.execute("SELECT run FROM runs WHERE run_id = ?", (run_id,)).fetchone()
        return pb.Run.FromString(self._unsaved.get(run_id, row[0])) if row else None

    def newest(self, limit: int) -> list[pb.Run]:
        """The newest runs first."""
        rows = self._db.execute("SELECT run_id, run FROM runs ORDER BY number DESC LIMIT ?", (limit,))
        return [pb.Run.FromString(self._unsaved.get(run_id, run)) for run_id, run in rows]

    def unfinished(self) -> Iterator[pb.Run]:
        """Runs that were queued or running when the last process ended, oldest first."""
        for row in self._db.execute("SELECT run FROM runs ORDER BY number").fetchall():
            run = pb.Run.FromString(row[0])
            if run.state in (pb.RUN_STATE_QUEUED, pb.RUN_STATE_RUNNING):
                yield run

    def append(self, run_id: str, event: pb.RunEvent) -> None:
        """Add an event to a run's journal; its number is given here."""
        row = self._db.execute("SELECT COALESCE(MAX(seq), 0) + 1 FROM events WHERE run_id = ?", (run_id,)).fetchone()
        event.seq = row[0]
        self._db.execute("INSERT INTO events VALUES (?, ?, ?)", (run_id, event.seq, event.SerializeToString()))

    def events(self, run_id: str, after: int) -> list[pb.RunEvent]:
        """A run's events after one number."""
        rows = self._db.execute("SELECT event FROM events WHERE run_id = ? AND seq > ? ORDER BY seq", (run_id, after))
        return [pb.RunEvent.FromString(row[0]) for row in rows]

    def close(self) -> None:
        """Close the database."""
        self._db.close()

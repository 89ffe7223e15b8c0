"""The capture store: every task that was ever started, in SQLite."""

from pathlib import Path

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_shared import database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (number INTEGER PRIMARY KEY, task_id TEXT UNIQUE NOT NULL, task BLOB NOT NULL);
"""


class CaptureStore:
    """Tasks as serialized messages of the contract."""

    def __init__(self, file: Path) -> None:
        self._db = database.opened(file, _SCHEMA)

    def add(self, task: pb.CaptureTask) -> None:
        """Store a new task."""
        self._db.execute("INSERT INTO tasks (task_id, task) VALUES (?, ?)", (task.task_id, task.SerializeToString()))

    def save(self, task: pb.CaptureTask) -> None:
        """Store a task again."""
        self._db.execute("UPDATE tasks SET task = ? WHERE task_id = ?", (task.SerializeToString(), task.task_id))

    def get(self, task_id: str) -> pb.CaptureTask | None:
        """A task, or None."""
        row = self._db.execute("SELECT task FROM tasks WHERE task_id = ?", (task_id,)).fetchone()
        return pb.CaptureTask.FromString(row[0]) if row else None

    def newest(self, limit: int) -> list[pb.CaptureTask]:
        """The newest tasks first."""
        rows = self._db.execute("SELECT task FROM tasks ORDER BY number DESC LIMIT ?", (limit,))
        return [pb.CaptureTask.FromString(row[0]) for row in rows]

    def close(self) -> None:
        """Close the database."""
        self._db.close()

"""SQLite as a service's own store: one file (0600) that survives a kill at any moment."""

import os
import sqlite3
from pathlib import Path


def opened(file: Path, schema: str) -> sqlite3.Connection:
    """Open or create a database whose every statement is a transaction of its own, unless told otherwise."""
    file.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
    file.chmod(0o600)
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.executescript(schema)
    return connection

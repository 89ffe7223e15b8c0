"""A service's own store."""

import os
import sqlite3
from pathlib import Path

import grpc
import pytest

from oneshot_shared import database, errors

SCHEMA = "CREATE TABLE IF NOT EXISTS words (word TEXT);"


def test_what_is_written_is_there_the_next_time_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "state" / "words.sqlite"
    first = database.opened(file, SCHEMA)
    first.execute("INSERT INTO words VALUES ('one')")  # never closed: as after a kill
    again = database.opened(file, SCHEMA)
    assert again.execute("SELECT word FROM words").fetchall() == [("one",)]
    assert again.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert {path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {0o600}
    first.close()
    again.close()


def test_what_others_could_read_becomes_its_owners(tmp_path: Path) -> None:
    file = tmp_path / "words.sqlite"
    file.touch()
    os.chmod(file, 0o644)  # noqa: PTH101 -- as another program left it
    database.opened(file, SCHEMA).close()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_is_said_as_one(tmp_path: Path) -> None:
    made = database.opened(tmp_path / "words.sqlite", SCHEMA)
    pages = made.execute("PRAGMA page_count").fetchone()[0]
    made.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError) as caught:
        made.execute("INSERT INTO words VALUES (?)", ("x" * 100_000,))
    assert errors.to_status(caught.value) is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert errors.sentence(caught.value) == "database or disk is full"
    made.close()

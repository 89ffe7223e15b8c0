"""The trace store on a real file."""

import asyncio
import errno
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from oneshot_proxy.records import CallRecord
from oneshot_proxy.storage import reader
from oneshot_proxy.store import Store
from oneshot_proxy.usage import Usage
from proxy.test_records import RECORD

CALL = CallRecord(
    "run-1",
    1,
    "POST /v1/responses",
    b"q" * 100_000,
    200,
    "text/plain",
    b"\x00\xff",
    1.5,
    0.25,
    0.5,
    Usage(1, 2, 3, 4, None),
    "e",
)


async def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    store = Store(tmp_path / "state" / "proxy.sqlite")
    store.put(RECORD)
    store.put(replace(RECORD, session_id="run-2", opened_at=200.0))
    store.put(replace(RECORD, calls=2))
    for call in (replace(CALL, seq=2), CALL):
        store.put(call)
    found = await store.session("run-1")
    assert found is not None
    assert (found.body_bytes, 0 < found.stored_bytes < 2000) == (2 * 100_002, True)
    assert replace(found, stored_bytes=0, body_bytes=0) == replace(RECORD, calls=2)
    assert await store.session("none") is None
    assert [record.session_id for record in await store.sessions(10)] == ["run-2", "run-1"]
    assert len(await store.sessions(1)) == 1
    assert [call async for call in store.calls("run-1")] == [CALL, replace(CALL, seq=2)]
    await store.close()


async def test_the_file_is_private_and_bodies_are_compressed(tmp_path: Path) -> None:
    path = tmp_path / "state" / "proxy.sqlite"
    store = Store(path)
    store.put(CALL)
    await store.flush()
    for file in path.parent.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file
    await store.close()
    assert path.stat().st_size < 50_000


async def test_a_restart_closes_old_sessions_and_keeps_their_calls(tmp_path: Path) -> None:
    first = Store(tmp_path / "proxy.sqlite")
    first.put(RECORD)
    first.put(CALL)
    await first.close()
    second = Store(tmp_path / "proxy.sqlite")
    record = await second.session("run-1")
    assert record is not None
    assert not record.is_open(record.closed_at)
    assert [call async for call in second.calls("run-1")] == [CALL]
    await second.close()


async def test_what_cannot_be_written_is_said_and_written_later(tmp_path: Path) -> None:
    store = Store(tmp_path / "proxy.sqlite")
    other = sqlite3.connect(tmp_path / "proxy.sqlite")
    other.execute("ALTER TABLE calls RENAME TO elsewhere")
    store.put(CALL)
    with pytest.raises(OSError, match="the trace store cannot be written") as caught:
        await store.flush()
    assert caught.value.errno == errno.EIO
    other.execute("ALTER TABLE elsewhere RENAME TO calls")
    other.close()
    assert [call async for call in store.calls("run-1")] == [CALL]
    await store.close()


async def test_the_loop_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    store = Store(tmp_path / "proxy.sqlite")
    other = sqlite3.connect(tmp_path / "proxy.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store.put(CALL)
    flushed = asyncio.ensure_future(store.flush())
    await asyncio.sleep(0.1)
    assert not flushed.done()
    other.execute("COMMIT")
    other.close()
    await flushed
    await store.close()


async def test_readers_take_no_thread_that_calls_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    monkeypatch.setattr(reader, "sessions", lambda *_: names.append(threading.current_thread().name) or [])
    store = Store(tmp_path / "proxy.sqlite")
    await store.sessions(1)
    await store.close()
    assert names[0].startswith("store-reader")

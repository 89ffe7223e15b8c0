"""The writer's thread: what it does when the disk is slow, full or gone, or a record is at fault."""

import asyncio
import random
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from oneshot_proxy.records import CallRecord
from oneshot_proxy.storage import file, writer
from oneshot_proxy.storage.insert import Inserter
from oneshot_proxy.store import Store
from proxy.storage.bodies import item, request
from proxy.test_records import RECORD
from proxy.test_store import CALL


def locked(path: Path) -> sqlite3.Connection:
    """Somebody who keeps the file to himself: for the writer, a disk that does not answer."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


async def test_a_slow_disk_neither_waits_nor_eats_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING_BYTES", 1_000_000)
    path = tmp_path / "proxy.sqlite"
    store = Store(path)
    other = locked(path)
    for seq in range(1, 31):
        store.put(replace(CALL, seq=seq))
    assert 15 < store.lost_calls("run-1") < 25
    store.put(RECORD)
    assert store.lost_calls("run-2") == 0
    store.put(replace(CALL, seq=100, request=b"q" * 1_000_000))
    lost = store.lost_calls("run-1")
    other.execute("COMMIT")
    other.close()
    assert len([call async for call in store.calls("run-1")]) == 31 - lost
    assert store.problem == ""
    assert await store.session("run-1") is not None, "a session's record is never lost"
    await store.close()


async def test_a_call_of_32_mib_is_kept_though_its_beginning_still_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, goes_on = threading.Event(), threading.Event()
    insert = Inserter.call

    def held(self: Inserter, record: CallRecord, ended: bool) -> None:
        taken.set()
        assert goes_on.wait(20)
        insert(self, record, ended)

    monkeypatch.setattr(Inserter, "call", held)
    store = Store(tmp_path / "proxy.sqlite")
    call = replace(CALL, request=b"q" * 32 * 2**20)
    store.begin(replace(call, response=b"", status=0))
    assert taken.wait(20), "from now on the request waits twice"
    store.put(call)
    goes_on.set()
    assert [each async for each in store.calls("run-1")] == [call]
    assert store.lost_calls("run-1") == 0
    await store.close()


async def test_over_the_bound_there_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING_BYTES", 100_000)
    path = tmp_path / "proxy.sqlite"
    store = Store(path)
    other = locked(path)
    store.put(CALL)
    assert store.problem.startswith("the trace store's disk is too slow: 0 MiB wait to be written")
    other.execute("COMMIT")
    other.close()
    await store.flush()
    assert store.problem == ""
    await store.close()


async def test_a_request_that_waits_twice_takes_its_memory_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING_BYTES", 300_000)
    path = tmp_path / "proxy.sqlite"
    store = Store(path)
    other = locked(path)
    store.begin(replace(CALL, seq=1))  # the thread waits with it for the disk
    call = replace(CALL, seq=2, request=random.Random(1).randbytes(150_000))
    store.begin(call)
    store.put(replace(call, response=b"done"))
    assert not store.behind
    store.put(replace(call, seq=3))
    assert store.behind
    other.execute("COMMIT")
    other.close()
    await store.close()


async def test_a_beginning_that_was_lost_takes_no_memory_from_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING_BYTES", 100_000)
    path = tmp_path / "proxy.sqlite"
    store = Store(path)
    other = locked(path)
    store.put(CALL)
    store.begin(replace(CALL, seq=2))
    assert store._writer._begun == {}
    other.execute("COMMIT")
    other.close()
    await store.close()


async def test_an_end_that_waits_before_its_beginning_stays_the_end(tmp_path: Path) -> None:
    path = tmp_path / "proxy.sqlite"
    store = Store(path)
    other = locked(path)
    store.put(RECORD)  # the thread waits with it for the disk
    await asyncio.sleep(0.1)
    ended = replace(CALL, request=b"")
    store.put(ended)
    store.begin(replace(CALL, response=b"", status=0))
    other.execute("COMMIT")
    other.close()
    assert [call async for call in store.calls("run-1")] == [ended]
    await store.close()


async def test_a_full_disk_is_said_and_what_waits_is_written_once_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "proxy.sqlite"
    store = Store(path)
    call = replace(CALL, request=random.Random(1).randbytes(200_000))
    connection = store._writer._connection
    connection.execute("PRAGMA max_page_count=20")
    store.put(call)
    with pytest.raises(OSError, match="database or disk is full"):
        await store.flush()
    assert "database or disk is full" in store.problem
    connection.execute("PRAGMA max_page_count=4294967294")
    async with asyncio.timeout(10):
        while store.problem:  # noqa: ASYNC110 -- it tries again by itself
            await asyncio.sleep(0.05)
    assert [each async for each in store.calls("run-1")] == [call]
    await store.close()


async def test_a_transaction_that_fails_leaves_nothing_half_done(tmp_path: Path) -> None:
    """A crash between statements, at each of them."""
    path = tmp_path / "proxy.sqlite"
    store = Store(path)
    bodies = [request(*(item(at) for at in range(count))) for count in range(1, 6)]
    store.put(replace(CALL, seq=1, request=bodies[0]))
    await store.flush()
    for seq, table in enumerate(("calls", "hot", "sessions"), 2):
        other = sqlite3.connect(path)
        other.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
        store.put(replace(CALL, seq=seq, request=bodies[seq - 1]))
        with pytest.raises(OSError, match="cannot be written"):
            await store.flush()
        other.execute(f"ALTER TABLE elsewhere RENAME TO {table}")
        assert other.execute("SELECT count(*) FROM calls").fetchone() == (seq - 1,)
        other.close()
        await store.flush()
    calls = [call async for call in store.calls("run-1")]
    assert [call.request for call in calls] == bodies[:4]
    assert (await store.verify("run-1")).damaged == ()
    await store.close()


async def test_a_record_at_fault_keeps_no_other_out(tmp_path: Path) -> None:
    store = Store(tmp_path / "proxy.sqlite")
    other = locked(tmp_path / "proxy.sqlite")
    store.put(CALL)
    store.put(replace(CALL, seq=2, usage=None))  # type: ignore[arg-type]
    store.put(replace(CALL, seq=3))
    other.execute("COMMIT")
    other.close()
    assert [call.seq async for call in store.calls("run-1")] == [1, 3]
    assert (store.lost_calls("run-1"), store.problem) == (1, "")
    await store.close()


async def test_no_memory_to_seal_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> bool:
        raise MemoryError

    store = Store(tmp_path / "proxy.sqlite")
    monkeypatch.setattr(writer, "seal", full)
    monkeypatch.setattr(writer.prune, "give_back", full)
    store.put(replace(RECORD, closed_at=101.0))
    store.put(CALL)
    assert [call async for call in store.calls("run-1")] == [CALL]
    store.put(replace(CALL, seq=2))
    assert len([call async for call in store.calls("run-1")]) == 2
    assert store.problem == ""
    await store.close()


async def test_whoever_asks_a_thread_that_has_ended_hears_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "proxy.sqlite")
    other = locked(tmp_path / "proxy.sqlite")
    store.put(CALL)
    waiting = asyncio.ensure_future(store.flush())
    await asyncio.sleep(0.1)
    monkeypatch.setattr(store._writer, "_seal", lambda: 1 / 0)
    other.execute("COMMIT")
    other.close()
    for asked in (waiting, store.flush(), store.session("run-1")):
        with pytest.raises(OSError, match=r"has ended \(ZeroDivisionError\('division by zero'\)\); restart the proxy"):
            async with asyncio.timeout(5):
                await asked
    assert "restart the proxy" in store.problem
    store.put(replace(CALL, seq=2))
    store.put(RECORD)
    assert store.lost_calls("run-1") == 1
    assert not store._writer._queue, "nobody will ever take it"
    await store.close()


async def test_what_a_killed_process_left_is_sealed_at_once(tmp_path: Path) -> None:
    path = tmp_path / "proxy.sqlite"
    killed = Store(path)
    killed.put(RECORD)
    for seq in range(1, 20):
        killed.put(replace(CALL, seq=seq, request=random.Random(1).randbytes(5000) + b"%d" % seq))
        await killed.flush()
    store = Store(path)
    async with asyncio.timeout(10):
        while (record := await store.session("run-1")) is None or record.stored_bytes > 12_000:  # noqa: ASYNC110 -- it does so by itself
            await asyncio.sleep(0.02)
    assert len([call async for call in store.calls("run-1")]) == 19
    await store.close()
    await killed.close()


async def test_an_open_session_is_sealed_as_it_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oneshot_proxy.storage.insert.BLOCK_BYTES", 50_000)
    monkeypatch.setattr("oneshot_proxy.storage.seal.BLOCK_BYTES", 50_000)
    path = tmp_path / "proxy.sqlite"
    store = Store(path)
    store.put(RECORD)
    calls = [replace(CALL, seq=seq, response=b"%d" % seq + random.Random(1).randbytes(4000)) for seq in range(1, 60)]
    for call in calls:
        store.put(call)
        await store.flush()
    connection = file.connect(path)
    assert connection.execute("SELECT count(*) > 3 FROM blocks").fetchone() == (1,)
    assert connection.execute("SELECT sum(length(data)) < 80000 FROM hot").fetchone() == (1,)
    connection.close()
    assert [call async for call in store.calls("run-1")] == calls
    await store.close()

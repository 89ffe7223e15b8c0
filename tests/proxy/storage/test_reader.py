"""What is not as it was recorded is never shown."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneshot_proxy.storage import file
from oneshot_proxy.storage.reader import Reader
from oneshot_proxy.store import Store
from oneshot_shared.errors import DataLoss
from proxy.storage.bodies import BODIES, item, request
from proxy.test_records import RECORD
from proxy.test_store import CALL


async def filled(path: Path) -> Store:
    store = Store(path)
    for seq in (1, 2):
        store.put(replace(CALL, seq=seq, request=b"request %d " % seq * 100))
    store.put(replace(RECORD, closed_at=101.0))
    await store.flush()
    return store


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("UPDATE calls SET request = '[[0, 5]]' WHERE seq = 2", "its request has another checksum"),
        ("UPDATE calls SET response_sha256 = x'00' WHERE seq = 2", "its response has another checksum"),
        ("UPDATE calls SET meta = '[[0, 5]]' WHERE seq = 2", "Expecting value"),
        ("UPDATE calls SET meta = '[[100000, 5]]' WHERE seq = 2", "bytes 100000 to 100005 of its stream are missing"),
        ("UPDATE calls SET response = '5' WHERE seq = 2", "'int' object is not iterable"),
    ],
)
async def test_one_damaged_call(tmp_path: Path, broken: str, said: str) -> None:
    path = tmp_path / "proxy.sqlite"
    store = await filled(path)
    with closing(file.connect(path)) as connection:
        connection.execute(broken)
    calls = store.calls("run-1")
    assert (await anext(calls)).seq == 1
    with pytest.raises(DataLoss, match=r"^call 2 of session 'run-1' is not what was recorded \(") as caught:
        await anext(calls)
    assert said in str(caught.value)
    verified = await store.verify("run-1")
    assert (verified.calls, verified.damaged) == (2, (str(caught.value),))
    await store.close()


async def test_a_damaged_block_and_a_damaged_list(tmp_path: Path) -> None:
    path = tmp_path / "proxy.sqlite"
    store = await filled(path)
    with closing(file.connect(path)) as connection:
        (data,) = connection.execute("SELECT data FROM blocks").fetchone()
        connection.execute("UPDATE blocks SET data = ?", (data[:-20] + bytes([data[-20] ^ 1]) + data[-19:],))
        connection.execute("UPDATE sessions SET record = '{}'")
    assert len((await store.verify("run-1")).damaged) == 2
    with pytest.raises(DataLoss, match="the list of sessions is not what was recorded"):
        await store.sessions(10)
    await store.close()


async def test_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "proxy.sqlite"
    await (await filled(path)).close()
    with path.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(
        DataLoss, match=r"session 'run-1' is not what was recorded .*; restore the trace store from a copy"
    ):
        Reader(path, "run-1")


async def test_a_session_that_is_deleted_while_it_is_read(tmp_path: Path) -> None:
    store = await filled(tmp_path / "proxy.sqlite")
    calls = store.calls("run-1")
    await anext(calls)
    await store.prune(["run-1"], None, dry_run=False)
    with pytest.raises(FileNotFoundError, match="session 'run-1' was deleted while it was read"):
        await anext(calls)
    await store.close()


async def test_calls_that_came_in_another_order_than_they_began(tmp_path: Path) -> None:
    store = Store(tmp_path / "proxy.sqlite")
    shorter, longer = request(item(1)), request(item(1), item(2))
    for seq, body in ((3, shorter), (1, longer), (2, longer)):
        store.put(replace(CALL, seq=seq, request=body))
    assert [call.request async for call in store.calls("run-1")] == [longer, longer, shorter]
    await store.close()


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=st.lists(st.tuples(BODIES, BODIES), min_size=1, max_size=5), closed=st.booleans())
async def test_every_body_comes_back(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[tuple[bytes, bytes]], closed: bool
) -> None:
    store = Store(tmp_path_factory.mktemp("store") / "proxy.sqlite")
    calls = [replace(CALL, seq=n, request=q, response=a) for n, (q, a) in enumerate(bodies, 1)]
    for call in calls:
        store.begin(replace(call, response=b"", status=0))
        store.put(call)
    store.put(replace(RECORD, closed_at=101.0 if closed else 0.0))
    assert [call async for call in store.calls("run-1")] == calls
    await store.close()

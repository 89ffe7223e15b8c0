"""Sessions deleted."""

import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

from oneshot_proxy.store import Pruned, Store
from oneshot_shared.errors import NotReady
from proxy.test_records import RECORD
from proxy.test_store import CALL


async def filled(path: Path, *ages: float) -> Store:
    """Closed sessions s0, s1 … of such ages, 200 KB that cannot be compressed each, and an open one."""
    store = Store(path)
    for number, age in enumerate(ages):
        name = f"s{number}"
        noise = random.Random(number).randbytes(200_000)
        store.put(replace(RECORD, session_id=name, opened_at=1.0 + number))
        store.put(replace(CALL, session_id=name, request=noise))
        store.put(replace(RECORD, session_id=name, opened_at=1.0 + number, closed_at=time.time() - age))
    store.put(replace(RECORD, session_id="open"))
    await store.flush()
    return store


async def names(store: Store) -> set[str]:
    return {record.session_id for record in await store.sessions(100)}


async def test_by_age_and_the_space_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "proxy.sqlite"
    store = await filled(path, *[1000.0] * 10, 10.0)
    wanted = tuple(f"s{number}" for number in range(10))
    planned = await store.prune([], 500.0, dry_run=True)
    assert planned.session_ids == wanted
    assert 2_000_000 < planned.freed_bytes < 2_100_000
    assert len(await names(store)) == 12
    done = await store.prune([], 500.0, dry_run=False)
    assert done.session_ids == wanted
    assert done.freed_bytes > 1_900_000
    assert await names(store) == {"s10", "open"}
    assert path.stat().st_size < 400_000
    assert (await store.verify("s10")).damaged == ()
    await store.close()
    assert path.stat().st_size < 300_000


async def test_by_name_and_a_deleted_name_may_be_used_again(tmp_path: Path) -> None:
    store = await filled(tmp_path / "proxy.sqlite", 1.0, 1.0)
    store._writer.lost["s0"] = 2
    assert (await store.prune(["s0"], None, dry_run=False)).session_ids == ("s0",)
    assert await names(store) == {"s1", "open"}
    assert [call async for call in store.calls("s0")] == []
    assert store.lost_calls("s0") == 0, "whoever has the name next lost none"
    call = replace(CALL, session_id="s0")
    store.put(call)
    assert [each async for each in store.calls("s0")] == [call]
    await store.close()


async def test_what_is_open_or_not_there_is_refused_and_nothing_goes(tmp_path: Path) -> None:
    store = await filled(tmp_path / "proxy.sqlite", 1.0, 1.0)
    store.begin(replace(CALL, session_id="s1", seq=2))
    with pytest.raises(NotReady, match="session 'open' is open or has calls in flight; close it first"):
        await store.prune(["s0", "open"], None, dry_run=False)
    with pytest.raises(NotReady, match="session 's1' is open"):
        await store.prune(["s1"], None, dry_run=False)
    with pytest.raises(FileNotFoundError, match="there is no session 'gone'"):
        await store.prune(["s0", "gone"], None, dry_run=False)
    assert await names(store) == {"s0", "s1", "open"}
    assert (await store.prune([], 0.0, dry_run=False)).session_ids == ("s0",)
    assert await store.prune([], 0.0, dry_run=False) == Pruned((), 0)
    await store.close()

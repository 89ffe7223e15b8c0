"""How much a sandbox may write."""

import asyncio
import os
from pathlib import Path

import pytest

from oneshot_orchestrator.backends import disk
from oneshot_orchestrator.contract import Environment
from oneshot_shared.task import EnvironmentTable
from orchestrator import harness


@pytest.mark.parametrize(("wanted", "megabytes"), [(None, 8192), (50, 50)])
def test_the_tasks_wish_comes_before_the_setting(tmp_path: Path, wanted: int | None, megabytes: int) -> None:
    resources = EnvironmentTable(storage_mb=wanted) if wanted else EnvironmentTable()
    environment = Environment("image", "/app", tmp_path, 1, 1, resources=resources)
    assert disk.limit(harness.settings(tmp_path), environment) == megabytes << 20


def test_what_is_used_is_what_the_disk_holds(tmp_path: Path) -> None:
    before = disk.used(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "full").write_bytes(os.urandom(100_000))
    (tmp_path / "a" / "link").symlink_to("/")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    assert 100_000 <= disk.used(tmp_path) - before < 200_000
    assert disk.used(tmp_path / "gone") == 0


async def test_it_looks_until_there_is_too_much() -> None:
    looks = iter([1, 2, 3])

    async def written() -> int:
        return next(looks)

    await asyncio.wait_for(disk.until_full(written, 1), 5)
    assert next(looks) == 3


async def test_a_slow_look_does_not_make_it_blind_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(disk.time, "monotonic", iter(range(0, 1000, 60)).__next__)  # each look takes a minute

    async def noted(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(disk.asyncio, "sleep", noted)
    looks = iter([0, 0, 0, 2])

    async def written() -> int:
        return next(looks)

    await disk.until_full(written, 1)
    assert pauses == [0.5, 15, 15, 15]

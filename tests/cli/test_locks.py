"""File locks: taken by one, asked about by many."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from oneshot_cli import locks
from oneshot_shared.errors import NotReady


def test_who_asks_is_not_seen_by_others_who_ask(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    file.touch()
    wrong: list[bool] = []

    def ask() -> None:
        wrong.extend(filter(None, (locks.is_held(file) for _ in range(1000))))

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert wrong == []


def test_a_lock_is_held_until_its_file_is_closed(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    assert not locks.is_held(file)
    assert not file.exists(), "asking makes nothing"
    with locks.opened(file) as it, locks.opened(file) as another:
        assert not locks.is_held(file)
        assert locks.take(it.fileno())
        assert locks.is_held(file)
        assert not locks.take(another.fileno())
    assert not locks.is_held(file)


async def test_waiting_for_a_lock_leaves_the_loop_free_and_has_an_end(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    async with locks.held(file, 0, "taken"):
        with pytest.raises(NotReady, match="taken for long"):
            async with locks.held(file, 0.1, "taken for long"):
                pass
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2), locks.held(file, 60, "never seen"):
                pass
    async with locks.held(file, 0, "taken"):
        pass


def test_another_users_lock_is_refused(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a file away")
    file = tmp_path / "lock"
    file.touch()
    os.chown(file, 12345, -1)
    for use in (locks.is_held, lambda file: locks.opened(file).__enter__()):
        with pytest.raises(NotReady, match=r"/lock belongs to user 12345, .*; set ONESHOT_DATA to a folder of yours"):
            use(file)

"""The works on this disk."""

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oneshot_cli.pairing.works import Ending, Work, Works, now
from oneshot_shared.errors import BadInput, NotReady
from oneshot_shared.naming import rfc3339

TREE = "a" * 40


@pytest.fixture
def works(tmp_path: Path) -> Works:
    return Works.here({"ONESHOT_STATE": str(tmp_path / "state")})


def add(works: Works, title: str = "Mend add", top: str = "/r", **more: Any) -> Work:
    work = Work(
        **{
            "task_id": works.new_id(title),
            "top": top,
            "title": title,
            "where": {},
            "base_tree": TREE,
            "started_at": now(),
        }
        | more
    )
    works.make(work.task_id)
    works.add(work)
    return work


def test_what_is_added_is_there(works: Works) -> None:
    work = add(works, labels=("a",), where={"ONESHOT_DATA": "/d"})
    assert works.get(work.task_id) == work
    assert works.all() == [work]
    assert works.of(Path("/r")) == [work]
    assert works.of(Path("/other")) == []
    assert work.task_id.startswith("mend-add-")
    assert len(works.new_id("x" * 300)) <= 80
    assert (works.state.stat().st_mode & 0o777, works.place(work.task_id).stat().st_mode & 0o777) == (0o700, 0o700)


@pytest.mark.parametrize("task_id", ["", ".", "..", "x", "../x", "mend-ad"])
def test_none_of_that_id(works: Works, task_id: str) -> None:
    add(works)
    with pytest.raises(FileNotFoundError, match="was started on this machine"):
        works.get(task_id)


def test_a_record_that_is_no_record(works: Works) -> None:
    work = add(works)
    (works.place(work.task_id) / "work.json").write_text("{}")
    assert works.all() == []
    with pytest.raises(BadInput, match="is missing; add it"):
        works.get(work.task_id)


def test_changes(works: Works) -> None:
    work = add(works)
    assert works.change(work.task_id, trouble="x").trouble == "x"
    assert works.change(work.task_id, ("ended",), trouble="y").trouble == "x", "only in that state"
    ending = Ending(said="d", summary="s", end_tree="b" * 40, ended_at=now())
    changed = works.change(work.task_id, ("started",), state="ended", ending=ending)
    assert works.get(work.task_id) == changed
    assert changed.ending == ending
    with pytest.raises(ValueError, match="state"):
        works.change(work.task_id, state="lost")


def test_changes_at_once_lose_none(works: Works) -> None:
    work = add(works)
    names = ("told", "announced", "kept")
    threads = [threading.Thread(target=works.change, args=(work.task_id,), kwargs={name: True}) for name in names * 5]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = works.get(work.task_id)
    assert (found.told, found.announced, found.kept) == (True, True, True)


def test_what_is_owed(works: Works) -> None:
    work = add(works)
    assert work.owes
    assert works.change(work.task_id, announced=True).owes
    assert not works.change(work.task_id, kept=True).owes
    assert works.change(work.task_id, state="aborted").owes
    assert not works.change(work.task_id, settled=True).owes


def test_sweeping(works: Works) -> None:
    old = rfc3339(datetime.now(UTC) - timedelta(days=31))
    kept = [
        add(works),
        add(works, started_at=old),
        add(works, settled=True, state="refused", started_at=old),  # today, of a task that was long open
    ]
    settled, gone = add(works, settled=True, state="delivered"), add(works, settled=True, state="aborted")
    month = time.time() - timedelta(days=31).total_seconds()
    for work in (kept[0], gone):
        os.utime(works.place(work.task_id) / "work.json", (month, month))
    for work in (*kept, settled, gone):
        (works.place(work.task_id) / "git").mkdir()
    half, young = works.make("half"), works.make("young")
    os.utime(half, (time.time() - 7200, time.time() - 7200))
    works.sweep()
    assert sorted(work.task_id for work in works.all()) == sorted(work.task_id for work in (*kept, settled))
    assert not (works.place(settled.task_id) / "git").exists()
    assert all((works.place(work.task_id) / "git").exists() for work in kept)
    assert (half.exists(), young.exists(), works.place(gone.task_id).exists()) == (False, True, False)


def test_a_state_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        NotReady, match=r"the state folder .*file cannot be used .*; set ONESHOT_STATE to a folder of yours"
    ):
        Works.here({"ONESHOT_STATE": str(tmp_path / "file")})

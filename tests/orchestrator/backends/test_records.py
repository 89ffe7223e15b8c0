"""Environments on our side."""

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from oneshot_orchestrator import git
from oneshot_orchestrator.backends.records import Records, does_not_build, last_words
from orchestrator import trees

type Change = Callable[[Path], object]


async def test_a_record_is_made_once_whoever_asks_and_again_where_it_was_not_finished(tmp_path: Path) -> None:
    records, made = Records(tmp_path), 0

    async def fill(place: Path) -> None:
        nonlocal made
        made += 1
        await asyncio.sleep(0.01)
        (place / "base").mkdir()
        if made == 1:
            raise OSError("broke off")

    with pytest.raises(OSError, match="broke off"):
        await records.make("k", fill)
    homes = await asyncio.gather(*[records.make("k", fill) for _ in range(3)])
    home = homes[0]
    assert (made, set(homes), list(tmp_path.iterdir())) == (2, {home}, [home])
    assert (home / "git" / "refs" / "tags" / "base").is_file()
    assert await Records(tmp_path).make("k", fill) == home
    assert made == 2


def touched_like_before(path: Path) -> None:
    before = path.stat()
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        lambda home: touched_like_before(home / "base" / "a"),
        lambda home: touched_like_before(home / "git" / "refs" / "tags" / "base"),
        lambda home: (home / "base" / "a").chmod(0o755),
        lambda home: (home / "base" / "d" / "new").touch(),
        lambda home: (home / "base" / "d").rmdir(),
        lambda home: ((home / "base" / "l").unlink(), (home / "base" / "l").symlink_to("b")),
        lambda home: trees.nest(home / "deep", "d" * 200, 30),
        lambda home: shutil.rmtree(home / "git" / "objects"),
        lambda home: next((home / "git" / "objects").glob("??/*")).unlink(),
        lambda home: (home / "complete").write_bytes(b"\xff"),
        lambda home: ((home / "complete").unlink(), (home / "complete").mkdir()),
        lambda home: shutil.rmtree(home),
        lambda home: (shutil.rmtree(home), home.touch()),
    ],
    ids=[
        "content",
        "base",
        "mode",
        "more",
        "less",
        "link",
        "deep",
        "objects",
        "object",
        "seal",
        "no seal",
        "gone",
        "file",
    ],
)
async def test_a_changed_record_is_left_to_its_users_and_made_anew(tmp_path: Path, change: Change) -> None:
    records = Records(tmp_path)

    async def fill(place: Path) -> None:
        trees.write({b"a": ("file", b"12"), b"l": ("link", b"a")}, place / "base")
        (place / "base" / "d").mkdir()

    home = await records.make("k", fill)
    made = git.Trees(home, tmp_path.parent / f"{tmp_path.name}-objects")
    await made.of_folder(home / "base")  # what git does with it is no change
    assert await records.make("k", fill) == home
    async with records.used(home):
        async with records.used(home):
            change(home)
            there = home.exists()
            again = await records.make("k", fill)
            assert again != home
        assert await records.make("k", fill) == again
        assert home.exists() == there
    assert list(tmp_path.iterdir()) == [again]


async def test_a_changed_record_without_users_goes_when_it_is_noticed(tmp_path: Path) -> None:
    records = Records(tmp_path)

    async def fill(place: Path) -> None:
        (place / "base").mkdir()

    home = await records.make("k", fill)
    (home / "base").rmdir()
    again = await records.make("k", fill)
    (tmp_path / "k.half").mkdir()
    (tmp_path / "k.file").touch()
    await Records(tmp_path).sweep()
    assert list(tmp_path.iterdir()) == [again]


async def test_locks_of_different_keys_are_different(tmp_path: Path) -> None:
    records = Records(tmp_path)
    async with records.lock("a"), asyncio.timeout(1), records.lock("b"):
        assert records.lock("a").locked()


def test_the_sentence_ends_with_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert last_words(log) == ""
    log.write_bytes(b"".join(b"line %d\n" % i for i in range(20)) + b"\xff\n\n")
    said = str(does_not_build("hello", "setup failed", log))
    assert said.startswith("the environment of 'hello' does not build: setup failed. Its last lines:\nline 13\n")
    assert said.endswith("line 19\n\ufffd")

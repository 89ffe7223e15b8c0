"""Environments on our side."""

import asyncio
from pathlib import Path

import pytest

from oneshot_orchestrator.backends.records import Records, does_not_build, last_words


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
    assert (made, set(homes)) == (2, {tmp_path / "k"})
    assert (tmp_path / "k" / "git" / "refs" / "tags" / "base").is_file()
    assert await Records(tmp_path).make("k", fill) == tmp_path / "k"
    assert made == 2


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

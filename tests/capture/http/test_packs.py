"""Packs on disk: whole or not at all, and never more than there is room for."""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oneshot_capture.http import packs
from oneshot_capture.http.packs import Packs
from oneshot_shared.errors import BadInput, NotReady


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_pack_is_kept_by_its_digest(tmp_path: Path) -> None:
    (tmp_path / ".new-old").write_bytes(b"left by a kill")
    kept = Packs(tmp_path, 100)
    digest = await kept.take(pieces(b"P", b"ACKabc", b"", b"def"))
    assert digest == hashlib.sha256(b"PACKabcdef").hexdigest()
    assert kept.find(digest).read_bytes() == b"PACKabcdef"
    assert await kept.take(pieces(b"PACKabcdef")) == digest
    assert names(tmp_path) == [f"{digest}.pack"]


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ([], "the pack is empty"),
        ([b"<html>"], "what was sent is no git pack"),
        ([b"PACK" + b"x" * 50, b"y" * 50], "the pack is larger than 100 bytes, the allowed maximum"),
    ],
)
async def test_what_is_not_taken_leaves_nothing(tmp_path: Path, parts: list[bytes], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        await Packs(tmp_path, 100).take(pieces(*parts))
    assert names(tmp_path) == []


@pytest.mark.parametrize("digest", ["", "0" * 64, "../token", "0" * 63 + "/"])
def test_what_is_not_there(tmp_path: Path, digest: str) -> None:
    with pytest.raises(BadInput, match=r"there is no pack .* here; send it with PUT /packs"):
        Packs(tmp_path, 100).find(digest)


async def test_the_oldest_make_room_and_a_day_is_enough(tmp_path: Path) -> None:
    kept = Packs(tmp_path, 100)
    digests = []
    for number in range(6):
        digests.append(await kept.take(pieces(b"PACK%d" % number + b"x" * 95)))
        os.utime(tmp_path / f"{digests[-1]}.pack", (time.time() - 100 + number,) * 2)
    assert names(tmp_path) == sorted(f"{digest}.pack" for digest in digests[-4:])
    os.utime(tmp_path / f"{digests[-1]}.pack", (0, 0))
    last = await kept.take(pieces(b"PACK"))
    assert names(tmp_path) == sorted(f"{digest}.pack" for digest in (*digests[-4:-1], last))


async def test_too_many_at_once_and_one_that_stops_coming(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Packs(tmp_path, 100)

    async def stuck() -> AsyncIterator[bytes]:
        yield b"PACK"
        await asyncio.sleep(60)

    monkeypatch.setattr(packs, "_PIECE_SECONDS", 0.3)
    waiting = [asyncio.create_task(kept.take(stuck())) for _ in range(4)]
    await asyncio.sleep(0.05)
    with pytest.raises(NotReady, match="4 packs are being sent already"):
        await kept.take(pieces(b"PACK"))
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [TimeoutError] * 4
    assert names(tmp_path) == []
    await kept.take(pieces(b"PACK"))

"""What the stream benchmark prints, and that nothing is left of it; never how long it took."""

import asyncio
import signal

import pytest

from benchmarks import programs

WHAT = ("ttfb", "ttfb_direct", "delay", "delay_bare")


@pytest.mark.timeout(300)
async def test_one_stream_and_many_are_measured() -> None:
    code, out, err = await programs.run("proxy_stream.py", "--json", "--repeat", "1")
    assert (code, err) == (0, "")
    found = programs.judged(out)
    assert set(found) == {
        f"{some}_{what}{end}" for some in ("stream", "stream_32") for what in WHAT for end in ("", "_p95")
    }
    assert (found["stream_delay"]["n"], found["stream_32_delay"]["n"]) == (200, 32 * 200)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
async def test_interrupted_it_leaves_nothing(number: signal.Signals) -> None:
    async with programs.started("proxy_stream.py") as (process, folder):
        while not list(folder.glob("*/data/state/*")):
            assert process.returncode is None
            await asyncio.sleep(0.05)
        await asyncio.sleep(2)
        process.send_signal(number)
        out, err = await process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"")

"""A turn of the loop that took long is said; waiting is no turn."""

import asyncio
import time
from functools import partial

from structlog.testing import capture_logs

from oneshot_proxy import pulse


def test_a_long_turn_is_said() -> None:
    async def work() -> None:
        time.sleep(0.06)  # noqa: ASYNC251 -- a start may take its time
        await asyncio.sleep(0.2)
        time.sleep(0.02)  # noqa: ASYNC251 -- what must not be
        await asyncio.sleep(0.001)
        time.sleep(0.06)  # noqa: ASYNC251
        await asyncio.sleep(0.001)

    with capture_logs() as said:
        asyncio.run(work(), loop_factory=partial(pulse.loop, 0.1))
    assert all((turn["log_level"] == "warning") is (turn["seconds"] >= pulse.LONG_SECONDS) for turn in said)
    assert sum(turn["seconds"] >= 0.02 for turn in said) >= 2
    assert said[-1]["log_level"] == "warning"

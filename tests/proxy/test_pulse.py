"""A turn of the loop that took long is said; waiting is no turn."""

import asyncio
import json
import time

import pytest

from oneshot_proxy import pulse
from oneshot_shared import logs


def test_a_long_turn_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    async def work() -> None:
        await asyncio.sleep(0.2)
        time.sleep(0.02)  # noqa: ASYNC251 -- what must not be
        await asyncio.sleep(0.001)
        time.sleep(0.06)  # noqa: ASYNC251
        await asyncio.sleep(0.001)

    logs.configure("proxy", "debug")
    asyncio.run(work(), loop_factory=pulse.loop)
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    turns = [each for each in said if each["event"] == "a long turn of the event loop"]
    assert [each["level"] for each in turns if each["seconds"] >= pulse.LONG_SECONDS][-1] == "warning"
    assert {each["level"] for each in turns if each["seconds"] < pulse.LONG_SECONDS} <= {"debug"}
    assert sum(each["seconds"] >= 0.02 for each in turns) >= 2

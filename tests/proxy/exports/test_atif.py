"""The real Codex's sessions as ATIF."""

from collections.abc import Awaitable, Callable
from typing import Any

import atif
import pytest

from proxy.exports import sessions
from proxy.exports.sessions import Recorded


def outline(document: dict[str, Any]) -> list[tuple[str, ...]]:
    """Source and words of each step; an agent's tool calls and what they gave back behind it."""
    return [
        (
            step["source"],
            step["message"].split("\n")[0][:40],
            *(call["tool_call_id"] for call in step.get("tool_calls", ())),
            *(result["content"].split("\n")[-2] for result in step.get("observation", {}).get("results", ())),
        )
        for step in document["steps"]
    ]


@pytest.mark.parametrize("scene", sessions.SCENES)
async def test_the_library_takes_every_session(scene: Callable[[], Awaitable[Recorded]]) -> None:
    document, _ = await (await scene()).atif()
    assert atif.Trajectory.model_validate(document).schema_version == "ATIF-v1.8"

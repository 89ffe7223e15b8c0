"""Fixtures of the capture service's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from capture import harness


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[harness.House]:
    """A served capture service; nothing half-written may be left at its end."""
    async with harness.house(tmp_path) as made:
        yield made
        await made.capture.finish()
        assert made.leftovers() == []

"""Fixtures of the HTTP side."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from capture.http import harness


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[harness.Web]:
    """The service on a free port; nothing half-written may be left at its end."""
    async with harness.web(tmp_path) as made:
        yield made
        await made.house.capture.finish()
        assert made.house.leftovers() == []
        assert not [file for file in made.kept if not file.name.endswith(".pack")]

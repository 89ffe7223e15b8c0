"""Fixtures of the proxy's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy import harness


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[harness.Proxy]:
    """A running proxy without keys."""
    async with harness.proxy(tmp_path / "data") as running:
        yield running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """mitmproxy now and then leaves a connection to the garbage collector when the other side closes first."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("ignore:(unclosed|loop is closed):ResourceWarning"))

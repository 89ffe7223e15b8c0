"""Fixtures of the proxy's tests."""

import gc
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

with warnings.catch_warnings():
    warnings.simplefilter(
        "ignore", DeprecationWarning
    )  # mitmproxy 12.2 calls old names of pyparsing while it is imported
    import mitmproxy.tools.dump  # noqa: F401

from proxy import harness


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[harness.Proxy]:
    """A running proxy without keys."""
    async with harness.proxy(tmp_path / "data") as running:
        yield running


@pytest.fixture
def collected() -> Iterator[None]:
    """What mitmproxy left to the garbage collector goes before the next test."""
    yield
    gc.collect()

"""Fixtures of the orchestrator's tests."""

import gc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from orchestrator import harness

BACKENDS = ["local", pytest.param("docker", marks=pytest.mark.docker)]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Each backend's name."""
    return str(request.param)


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[harness.Stack]:
    """A running stack without keys, with two slots."""
    async with harness.stack(tmp_path / "data", slots=2) as running:
        yield running


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    """The example task."""
    return harness.task(tmp_path)


@pytest.fixture
def live() -> Iterator[None]:
    """For tests marked harness.LIVE: what mitmproxy left to the garbage collector goes before the next test."""
    yield
    gc.collect()

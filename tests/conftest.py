"""What every test may rely on: Docker is there where CI says so. And the order of the files."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

# here, for a folder's own conftest comes after other folders' tests that import these
pytest.register_assert_rewrite("orchestrator.backends.contract", "orchestrator.harness", "capture.harness")

# a loaded machine must not make a property fail: each test has its timeout
settings.register_profile("oneshot", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("oneshot")

LONGEST = ("harbor", "compose", "benchmarks", "cli", "orchestrator", "scripts", "tasks")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folders with the longest files begin, so that no worker is left alone with one at the end."""
    rank = {name: number for number, name in enumerate(LONGEST)}
    here = Path(__file__).parent
    items.sort(key=lambda item: rank.get(item.path.relative_to(here).parts[0], len(LONGEST)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("docker") and not _engine():
        if os.environ.get("ONESHOT_REQUIRE_DOCKER") == "1":
            pytest.fail("no Docker engine answers, and ONESHOT_REQUIRE_DOCKER=1 says that one must")
        pytest.skip("no Docker engine answers")


_answer: list[bool] = []


def _engine() -> bool:
    if not _answer:
        found = shutil.which("docker") is not None
        _answer.append(found and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0)
    return _answer[0]


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """What a service that a test runs makes of this process's logs ends with the test."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)

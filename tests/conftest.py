"""What every test may rely on: Docker is there where CI says so."""

import os
import shutil
import subprocess

import pytest


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

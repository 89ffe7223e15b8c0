"""One stack for every test that needs none of its own."""

from collections.abc import Iterator

import pytest

from cli import harness


@pytest.fixture(scope="session")
def house() -> Iterator[harness.House]:
    """A house whose stack is shared by the tests; nobody may stop it or give it keys."""
    with harness.house(AWS_SECRET="canary-of-the-caller", LC_TIME="C", VLLM_API_KEY="another") as made:
        yield made


@pytest.fixture
def own_house() -> Iterator[harness.House]:
    """A house of the test's own."""
    with harness.house(ONESHOT_ORCHESTRATOR_WATCH_GRACE_SECONDS="1") as made:
        yield made

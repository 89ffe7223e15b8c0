"""One composed stack for the tests that leave it as it was."""

from collections.abc import Iterator

import pytest

from compose.harness import Composed, project


@pytest.fixture(scope="session")
def composed() -> Iterator[Composed]:
    with project() as made:
        made.compose("up", "--detach", "--wait", "--build")
        yield made

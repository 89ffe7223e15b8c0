"""One composed stack for the tests that leave it as it was; down with the last of them: its health checks cost the others time."""

from collections.abc import Iterator

import pytest

from compose.harness import Composed, project


@pytest.fixture(scope="module")
def composed() -> Iterator[Composed]:
    with project() as made:
        made.compose("up", "--detach", "--wait", "--build")
        yield made

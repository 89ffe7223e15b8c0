"""A person, with a capture service that is up or down."""

from collections.abc import Iterator

import pytest

from cli.pairing import harness


@pytest.fixture
def alone() -> Iterator[harness.Person]:
    """A person whose stack does not answer."""
    with harness.person() as made:
        yield made


@pytest.fixture
def person(alone: harness.Person) -> harness.Person:
    """A person with a capture service."""
    alone.service.start()
    return alone

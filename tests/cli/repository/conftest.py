"""Fixtures of what is done in a person's repository."""

from pathlib import Path

import pytest

from cli.repository.person import Person


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """Somebody with a fresh repository."""
    return Person(tmp_path / "home", tmp_path / "repo").init()

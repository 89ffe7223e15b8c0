"""A repository for each test."""

from pathlib import Path

import pytest

from cli.repository.readiness.repo import Repo, make


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """One with one commit, and a tree that is the commit's."""
    made = make(tmp_path, monkeypatch)
    made.commit("README.md", "# Hello\n")
    return made

"""A machine with folders of its own, in this process."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oneshot_cli.doctor.machine import Machine
from oneshot_shared.providers import VARIABLES

type Make = Callable[..., Machine]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a short path."""
    with tempfile.TemporaryDirectory(prefix="osd-", dir="/tmp") as made:
        yield Path(made)


@pytest.fixture
def make(place: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Make a machine whose environment is this process's, with changes; `backend` and `endpoint` as asked for."""
    for name in (
        *VARIABLES,
        "CODEX_HOME",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    (place / "r").mkdir(mode=0o700)
    for name, value in {"ONESHOT_DATA": place / "d", "ONESHOT_RUNTIME": place / "r", "HOME": place}.items():
        monkeypatch.setenv(name, str(value))

    def made(backend: str = "local", endpoint: str = "", **env: str) -> Machine:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        return Machine(backend, endpoint, dict(os.environ))

    return made

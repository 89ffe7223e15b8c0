"""The orchestrator's settings."""

import pytest

from oneshot_orchestrator.settings import OrchestratorSettings
from oneshot_shared import settings
from oneshot_shared.errors import BadInput

NEEDED = {"PROXY": "unix:/p", "GRADER": "unix:/g", "TOKEN_FILE": "/t", "DATA": "/d"}


@pytest.fixture(autouse=True)
def _needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NEEDED.items():
        monkeypatch.setenv(f"ONESHOT_ORCHESTRATOR_{name}", value)


def test_defaults() -> None:
    loaded = settings.load(OrchestratorSettings)
    assert (loaded.proxy, loaded.tokens, loaded.cost_usd) == ("unix:/p", 2_000_000, 5.0)
    assert 2 <= loaded.slots <= 64


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SLOTS", "0", "ONESHOT_ORCHESTRATOR_SLOTS: Input should be greater than or equal to 1"),
        (
            "SLOT",
            "1",
            "ONESHOT_ORCHESTRATOR_SLOT is no setting of this service..did you mean 'ONESHOT_ORCHESTRATOR_SLOTS'",
        ),
        ("MEMORY_MB", "much", "ONESHOT_ORCHESTRATOR_MEMORY_MB: Input should be a valid integer"),
    ],
)
def test_bad_ones_are_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    monkeypatch.setenv(f"ONESHOT_ORCHESTRATOR_{name}", value)
    with pytest.raises(BadInput, match=words):
        settings.load(OrchestratorSettings)

"""The grader's settings."""

import pytest

from oneshot_grader.settings import GraderSettings
from oneshot_shared import settings
from oneshot_shared.errors import BadInput


def test_an_unknown_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONESHOT_GRADER_LISTN", "127.0.0.1:1")
    with pytest.raises(BadInput, match="did you mean 'ONESHOT_GRADER_LISTEN'"):
        settings.load(GraderSettings)

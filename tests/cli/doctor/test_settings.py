"""The services' own models judge their variables."""

import pytest

from cli.doctor.conftest import Make
from oneshot_cli.doctor import settings


@pytest.mark.parametrize(
    ("env", "state", "found"),
    [
        ({}, "ok", "none set"),
        ({"ONESHOT_ORCHESTRATOR_SLOTS": "3"}, "ok", "ONESHOT_ORCHESTRATOR_SLOTS"),
        (
            {"ONESHOT_ORCHESTRATOR_SLOTS": "900"},
            "fail",
            "ONESHOT_ORCHESTRATOR_SLOTS: Input should be less than or equal to 64",
        ),
        (
            {"ONESHOT_GRADER_X": "1"},
            "fail",
            "ONESHOT_GRADER_X is no setting of this service (did you mean 'ONESHOT_GRADER_DATA'?)",
        ),
        ({"ONESHOT_IDLE_SECONDS": "soon"}, "fail", "ONESHOT_IDLE_SECONDS is 'soon'"),
    ],
)
def test_settings(make: Make, env: dict[str, str], state: str, found: str) -> None:
    check = settings.services(make(**env))
    assert (check.state, check.found) == (state, found)
    assert bool(check.mend) == (state == "fail")

"""Python, git, clock, web proxies."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.doctor.conftest import Make
from oneshot_cli.doctor import system


def test_what_is_here(make: Make) -> None:
    for check in (system.python, system.git, system.clock, system.backend):
        assert check(make()).state == "ok"
    assert system.backend(make()).found == "local (as asked)"
    assert system.backend(make("", "h:1")).state == "skip"


def test_a_git_that_does_not_run(make: Make, place: Path) -> None:
    (place / "git").write_text("#!/bin/sh\necho broken >&2; exit 1\n")
    (place / "git").chmod(0o755)
    check = system.git(make(PATH=f"{place}:/bin"))
    assert (check.state, check.found) == ("fail", f"{place / 'git'}: broken")
    assert system.git(make("local", "h:1", PATH=str(place / "none"))).state == "warn"


def test_a_clock_that_is_off(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = make()
    vars(machine)["info"] = {"SystemTime": (datetime.now(UTC) + timedelta(minutes=5)).isoformat()}
    check = system.clock(machine)
    assert check.state == "warn"
    assert "the Docker engine's is 300 s off" in check.found or "299 s off" in check.found
    vars(machine)["info"] = {"SystemTime": datetime.now(UTC).isoformat()}
    assert system.clock(machine).state == "ok"
    monkeypatch.setattr(time, "time", lambda: 86400.0 * 365)
    check = system.clock(machine)
    assert (check.state, check.found) == (
        "fail",
        "it is 1971-01-01 00:00:00 UTC, which is before this oneshot was installed",
    )
    assert "timedatectl" in check.mend


@pytest.mark.parametrize(
    ("env", "state", "mend"),
    [
        ({}, "skip", ""),
        ({"HTTP_PROXY": "http://p:1"}, "warn", "export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost"),
        ({"ALL_PROXY": "http://p:1", "no_proxy": "localhost,x"}, "warn", "export NO_PROXY=localhost,x,127.0.0.1 "),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "127.0.0.1, localhost"}, "ok", ""),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "*"}, "ok", ""),
    ],
)
def test_web_proxies(make: Make, env: dict[str, str], state: str, mend: str) -> None:
    check = system.web_proxy(make(**env))
    assert check.state == state
    assert mend in check.mend

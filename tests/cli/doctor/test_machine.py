"""What is found out once, and how grave it is."""

import time
from pathlib import Path

import pytest

from cli.broken import docker_script
from cli.doctor.conftest import Make


def test_how_grave_a_fault_is(make: Make) -> None:
    local = make("local")
    assert (local.backend, local.bad(), local.bad("local"), local.bad("docker")) == ("local", "fail", "fail", "warn")
    assert make("local", "h:1").bad() == "warn"
    assert local.bad_start == "fail"


def test_looking_makes_nothing(make: Make, place: Path) -> None:
    machine = make()
    assert not machine.stack_alive
    assert sorted(place.rglob("*")) == [place / "r"]


def test_without_docker_runs_are_local(make: Make, place: Path) -> None:
    machine = make("", PATH=str(place))
    assert (machine.backend, machine.info, machine.engine_is_here) == ("local", {}, False)
    assert machine.docker("ps").why == "there is no docker command"


def test_a_docker_that_hangs_is_asked_once(make: Make, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oneshot_cli.doctor.machine.SECONDS", 0.3)
    monkeypatch.setattr("oneshot_shared.needs.knock", lambda *_: None)
    machine = make("", PATH=docker_script(place, "*) sleep 60;;"))
    begun = time.monotonic()
    assert machine.backend == "local"
    assert "does not answer" in machine.docker_missing
    assert machine.info == {}
    assert not machine.docker("ps").good
    assert time.monotonic() - begun < 3


@pytest.mark.docker
def test_the_real_engine(make: Make) -> None:
    machine = make("")
    assert machine.backend == "docker"
    assert machine.info["ServerVersion"]
    assert machine.engine_is_here

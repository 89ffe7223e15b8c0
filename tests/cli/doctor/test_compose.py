"""Compose and ports."""

import os
import socket
from pathlib import Path

import pytest

from cli.broken import docker_script, path_without
from cli.doctor.conftest import Make
from oneshot_cli.doctor import compose


@pytest.mark.docker
def test_the_real_one(make: Make) -> None:
    assert compose.version(make()).state == "ok"


@pytest.mark.docker
@pytest.mark.parametrize(
    ("answer", "state", "found"),
    [
        ("compose*) echo 2.17.0; exit;;", "ok", "2.17.0"),
        ("compose*) echo v2.40.1-desktop.1; exit;;", "ok", "v2.40.1-desktop.1"),
        ("compose*) echo 2.3.3; exit;;", "warn", "2.3.3 is too old; compose.yaml needs 2.17 or newer"),
    ],
)
def test_what_docker_says(make: Make, place: Path, answer: str, state: str, found: str) -> None:
    check = compose.version(make(PATH=docker_script(place, answer)))
    assert (check.state, check.found) == (state, found)


@pytest.mark.docker
def test_the_retired_one_is_named(make: Make, place: Path) -> None:
    old = place / "docker-compose"
    old.write_text("#!/bin/sh\necho 1.29.2\n")
    old.chmod(0o755)
    plugin = docker_script(place, "compose*) exit 1;;").split(":")[0]
    needs = "`docker compose up` needs v2 as docker's plugin"
    check = compose.version(make(PATH=f"{place}:{plugin}:/bin"))
    assert check.found == f"only the retired docker-compose 1.29.2 is here ({old}); {needs}"
    old.write_text("#!/bin/sh\necho 2.26.1\n")
    assert compose.version(make()).found == f"only docker-compose 2.26.1 is here ({old}); {needs}"
    assert compose.version(make(PATH=plugin)).found == f"it is missing; {needs}"


def test_without_docker(make: Make, place: Path) -> None:
    assert compose.version(make(PATH=path_without(place, "docker"))).state == "skip"


def test_a_port_that_is_taken(make: Make) -> None:
    free = {f"ONESHOT_PORT_{name}": "1" for name in ("CAPTURE", "PROXY", "GRADER", "FORWARD", "CAPTURE_HTTP")}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        check = compose.ports(make(ONESHOT_PORT_ORCHESTRATOR=str(port), **free))
    assert check.state == "warn"
    assert f"{port} is taken by " in check.found
    assert f"(process {os.getpid()})" in check.found
    assert check.mend.endswith(f"ONESHOT_PORT_ORCHESTRATOR={port + 100} docker compose up -d --wait")
    check = compose.ports(make(ONESHOT_PORT_ORCHESTRATOR=str(port), **free))
    assert (check.state, check.found) == ("ok", f"1, 1, {port}, 1, 1, 1 are free")

"""Broken set-ups: each gets its sentence, with the value and the next step, from `oneshot doctor` and from `oneshot run`."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.broken import KEY, SETUPS
from cli.harness import House

_NEED_DOCKER = ("no_engine", "no_docker_command", "no_buildx", "hanging_docker")


@pytest.fixture
def tmp() -> Iterator[Path]:
    """A folder with a short path: sockets go below some."""
    with tempfile.TemporaryDirectory(prefix="osb-", dir="/tmp") as made:
        yield Path(made)


def _files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.docker) if name in _NEED_DOCKER else name for name in SETUPS]
)
def test_its_sentence(name: str, own_house: House, tmp: Path) -> None:
    own_house.env["OPENAI_API_KEY"] = KEY
    with SETUPS[name](own_house, tmp) as broken:
        before = _files(own_house.root)
        seen = own_house("doctor", "--json", *broken.doctor, **broken.env)
        assert (seen.code, seen.err, _files(own_house.root)) == (2, "", before)
        (failed,) = [check for check in seen.json["checks"] if check["state"] == "fail"]
        assert (failed["name"], seen.json["ready"]) == (broken.check, False)
        run = own_house("run", "hello-world", *broken.run, **broken.env)
        assert (run.code, run.out) == (2, "")
        for text in (f"{failed['found']}; {failed['mend']}", run.sentence):
            assert [word for word in broken.words if word not in text] == [], text
        assert KEY not in f"{seen} {run}"
        assert "Traceback" not in f"{seen} {run}"
    assert own_house.litter() == []
    assert not list(own_house.data.glob("runs/*"))


def test_there_are_at_least_ten() -> None:
    assert len(SETUPS) >= 10

"""oneshot task create, by the script that the original had for it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.harness import ROOT, Ended
from cli.synth_harness import EDIT, END, START, Pairing, pairing
from cli.test_pairing import check_task
from fakes.model_server import Answer, say
from oneshot_cli.pairing.works import Works

SCRIPT = ROOT / "scripts" / "create_tasks" / "create_task.sh"


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pairing]:
    with pairing(tmp_path_factory.mktemp("pairing")) as made:
        yield made


@pytest.fixture(autouse=True)
def _as_at_first(person: Pairing) -> None:
    person.git("reset", "-q", "--hard", "main")
    person.git("clean", "-qfdx")


def create(person: Pairing, *arguments: str, turns: list[Answer], cwd: Path | None = None) -> Ended:
    person.model.turns[:] = turns
    process = subprocess.Popen(
        [SCRIPT, *arguments],
        env=person.house.env,
        cwd=cwd or person.repository,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    out, err = process.communicate(timeout=90)
    return Ended(process.returncode, out, err)


def test_the_last_line_is_the_tasks_folder(person: Pairing) -> None:
    ended = create(person, "--model", "gpt-5.4", "Mend add.", turns=[START, EDIT, END, say("Mended.")])
    assert ended.code == 0, ended.err
    folder = Path(ended.out.splitlines()[-1])
    check_task(folder)
    assert folder in person.created
    asked = person.server.requests[-1].json
    assert asked["model"] == "gpt-5.4"
    assert "Mend add.\\n\\nCapture this work as a task" in str(asked["input"])


def test_without_a_task_it_fails(person: Pairing) -> None:
    before = person.created
    ended = create(person, "Mend add.", turns=[say("I would rather not.")])
    assert (ended.code, person.created) == (1, before)
    assert ended.err.splitlines()[-1] == "oneshot: no task was created; what Codex said above tells why"
    failed = create(person, "Mend add.", turns=[START, say("I forgot the rest.")])
    assert (failed.code, person.created) == (1, before)
    assert "open since" in failed.err
    again = create(person, "Something else.", turns=[])
    assert again.code == 2
    assert again.sentence.startswith(f"the task 'Mend add' is open in {person.repository} since ")
    assert person.house("task", "abort", Works(person.house.root / "s").all()[0].task_id).code == 0


def test_what_cannot_begin(person: Pairing, tmp_path: Path) -> None:
    assert "no git repository" in create(person, "Mend add.", turns=[], cwd=tmp_path).sentence
    assert create(person, " ", turns=[]).sentence.startswith("there is nothing to do; ")
    usage = create(person, turns=[])
    assert usage.code == 2
    assert usage.err.startswith('usage: scripts/create_tasks/create_task.sh [--model MODEL] "Add ..."')

"""A person pairs with the real Codex through codex-synth, and a task comes of it, whoever is killed in between."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cli.harness import Ended, end, until
from cli.synth_harness import EDIT, END, KEY, START, SYNTH, TEST, Pairing, pairing
from cli.terminal import terminal
from fakes.model_server import say
from oneshot_cli.pairing.works import Work, Works

WAITS = say("never said", delay=600)


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pairing]:
    with pairing(tmp_path_factory.mktemp("pairing")) as made:
        yield made


@pytest.fixture(autouse=True)
def _as_at_first(person: Pairing) -> None:
    person.git("reset", "-q", "--hard", "main")
    person.git("clean", "-qfdx")


def works(person: Pairing) -> list[Work]:
    return Works(Path(person.house.env["ONESHOT_STATE"])).all()


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def tools_called(ended: Ended) -> list[tuple[str, str]]:
    """Our tools that Codex has called, and what it says of each."""
    events = [json.loads(line) for line in ended.out.splitlines()]
    done = [event["item"] for event in events if event["type"] == "item.completed"]
    return [(item["tool"], item["status"]) for item in done if item["type"] == "mcp_tool_call"]


def check_task(folder: Path) -> None:
    """It holds what was done."""
    assert (folder / "environment" / "repo" / "calc.py").read_text() == "def add(a, b):\n    return a - b\n"
    assert "+    return a + b" in (folder / "solution" / "solution.patch").read_text()
    assert (folder / "tests" / "files" / "test_calc.py").read_text() == TEST.rstrip("\n") + "\n"
    assert "subtracts" in (folder / "instruction.md").read_text()


def test_exec_makes_a_task(person: Pairing) -> None:
    git, codex = content(person.repository / ".git"), content(person.home)
    before = set(person.created)
    ended = person.exec("Mend add, as a task.", START, EDIT, END, say("Mended."))
    assert ended.code == 0, ended.err
    assert tools_called(ended) == [("repo.start_task.v1", "completed"), ("repo.end_task.v1", "completed")]
    (folder,) = set(person.created) - before
    check_task(folder)
    said = [line for line in ended.err.splitlines() if line.startswith("oneshot: ")]
    assert said[0].startswith("oneshot: Recorded 5 calls, 4,200 tokens ")
    session = said[0].rpartition(" ")[2]
    assert said[1].startswith("oneshot: creating the task 'Mend add'; Ctrl-C leaves it to the background")
    assert f"created, {folder} (1 file at the base, 1 changed in the solution, 1 in the tests)" in said[2]
    assert works(person)[0].session_id == session
    assert json.loads((folder / "oneshot" / "origin.json").read_text())["session_id"] == session
    assert content(person.repository / ".git") == git
    for name in ("config.toml", "auth.json"):
        assert (person.home / name).read_bytes() == codex[name]
    kept = [file for root in (folder, person.house.root / "s") for file in root.rglob("*") if file.is_file()]
    assert not [file for file in kept if KEY.encode() in file.read_bytes() or b"osb.live-" in file.read_bytes()]


def test_outside_a_repository_it_works_and_the_tools_say_why_they_cannot(person: Pairing, tmp_path: Path) -> None:
    person.model.turns[:] = [START, say("There is no repository.")]
    ended = person("exec", "--json", "--skip-git-repo-check", "Mend add.", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert tools_called(ended) == [("repo.start_task.v1", "failed")]
    assert "no git repository" in ended.out
    assert "oneshot: Recorded 3 calls" in ended.err


def codex_of(person: Pairing) -> list[psutil.Process]:
    """Every Codex at work for this person."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.exe() == person.house.env["CODEX_BIN"] and process.environ().get("CODEX_HOME") == str(
                person.home
            ):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def begun(person: Pairing) -> subprocess.Popen[str]:
    """Codex has started a task, and its next turn does not come."""
    person.model.turns[:] = [START, EDIT, WAITS]
    process = person.start("exec", "--json", "-s", "workspace-write", "Mend add, as a task.")
    until(lambda: (person.repository / "test_calc.py").exists() and not person.model.turns, 60)
    return process


def check_ended_later(person: Pairing) -> None:
    """Another session ends what the killed one started."""
    until(lambda: not codex_of(person), 30, lambda: codex_of(person))
    assert works(person)[0].state == "started"
    before = set(person.created)
    ended = person.exec("End the task.", END, say("Ended."))
    assert ended.code == 0, ended.err
    assert tools_called(ended) == [("repo.end_task.v1", "completed")]
    (folder,) = set(person.created) - before
    check_task(folder)
    work = works(person)[0]
    assert work.ending
    assert (work.state, work.ending.session_id != work.session_id) == ("delivered", True)
    assert f"created, {folder}" in ended.err


def test_codex_is_killed(person: Pairing) -> None:
    process = begun(person)
    for each in codex_of(person):
        each.kill()
    ended = end(process)
    assert ended.code == 128 + signal.SIGKILL
    assert "open since" in ended.err
    assert "Nothing of it is lost. To go on: codex-synth resume --last; " in ended.err
    check_ended_later(person)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_codex_synth_is_killed(person: Pairing, number: signal.Signals) -> None:
    process = begun(person)
    os.kill(process.pid, number)
    ended = end(process)
    assert ended.code == (128 + number if number != signal.SIGKILL else -number)
    check_ended_later(person)


def test_the_terminal_is_closed(person: Pairing) -> None:
    person.model.turns[:] = [START, EDIT, WAITS]
    with terminal(f"{SYNTH} exec -s workspace-write 'Mend add.'", person.repository, person.house.env):
        until(lambda: (person.repository / "test_calc.py").exists() and not person.model.turns, 60)
    check_ended_later(person)


@pytest.mark.parametrize("how", ["killed", "down"])
def test_the_stack_is_gone(person: Pairing, how: str) -> None:
    process = begun(person)
    if how == "down":
        assert person.house("down", "--force").code == 0
    else:
        for pid in (*person.house.services().values(), person.house.stack.pid()):
            os.kill(pid, signal.SIGKILL)
    ended = end(process)
    assert ended.code == 1
    assert "oneshot: Alarm: the " in ended.err, ended.err
    check_ended_later(person)

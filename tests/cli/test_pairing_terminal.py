"""A person at Codex's terminal UI, under codex-synth: what she sees, types and gets."""

from pathlib import Path

import psutil
import pytest

from cli.harness import until
from cli.synth_harness import EDIT, END, START, SYNTH, Pairing, pairing
from cli.terminal import Terminal, terminal
from cli.test_pairing import check_task
from fakes.model_server import say


def past_the_dialogs(window: Terminal) -> None:
    """Codex asks whether it may trust the folder, and advertises a newer model."""
    window.press("Enter", "Trust this folder?", "2. Use existing model")
    window.press("Down", "\u203a 1. Try new model", "\u203a 2. Use existing model")
    window.press("Enter", "\u203a 2. Use existing model", "Ask Codex to do anything")
    window.until("GPT-5.5")


@pytest.mark.parametrize("login", ["apikey", "chatgpt"])
def test_a_task_is_made_in_the_terminal(tmp_path: Path, login: str) -> None:
    with (
        pairing(tmp_path, login, trusted=False) as person,
        terminal(SYNTH, person.repository, person.house.env) as window,
    ):
        past_the_dialogs(window)
        person.model.turns[:] = [START, EDIT, END, say("It adds now.")]
        window.type("Mend add, as a task.")
        screen = window.until("It adds now.")
        assert "Called oneshot.repo.start_task.v1" in screen
        assert "Called oneshot.repo.end_task.v1" in screen
        assert "Failed" not in screen
        window.type("/quit")
        screen = window.until("ended with 0")
        (folder,) = person.created
        check_task(folder)
        assert "oneshot: Recorded 5 calls, 4,200 tokens" in screen
        assert f"created, {folder}" in screen.replace("\n", "")
        _check_only_codex_wrote(person)


def _check_only_codex_wrote(person: Pairing) -> None:
    """Of our server and our session nothing is in what Codex remembers of its configuration."""
    config = (person.home / "config.toml").read_text()
    assert "trust_level" in config
    assert "oneshot" not in config.replace(str(person.house.root), "")


def test_ctrl_c_leaves_the_delivery_to_the_background(tmp_path: Path) -> None:
    """What is waited for is said, and for how long; the task is made all the same."""
    with pairing(tmp_path) as person:
        assert person.house("up").code == 0
        capture = psutil.Process(person.house.services()["capture"])
        capture.suspend()
        try:
            person.model.turns[:] = [START, EDIT, END, say("It adds now.")]
            with terminal(
                f"{SYNTH} exec -s workspace-write 'Mend add.'", person.repository, person.house.env
            ) as window:
                window.until("creating the task 'Mend add'; Ctrl-C leaves it to the background [2 s]")
                window.keys("C-c")
                screen = window.until("ended with 0")
            assert "oneshot: left to the background" in screen
            assert "oneshot: Next: it is created in the background; oneshot task send waits for it." in screen
        finally:
            capture.resume()
        until(lambda: person.created, 60)
        check_task(person.created[0])


def test_it_is_stopped_and_goes_on(tmp_path: Path) -> None:
    """Ctrl-Z stops both, and the shell has its terminal again; `fg`, and the recording goes on."""
    with (
        pairing(tmp_path, trusted=False) as person,
        terminal("bash --norc -i", person.repository, person.house.env) as window,
    ):
        window.type(SYNTH)
        past_the_dialogs(window)
        window.keys("C-z")
        window.until("Stopped")
        window.type("fg")
        window.until("Ask Codex to do anything", "GPT-5.5")
        person.model.turns[:] = [say("Here again.")]
        window.type("Are you here?")
        window.until("Here again.")
        window.type("/quit")
        screen = window.until("oneshot: no task was started in this session")
        assert "oneshot: Recorded 2 calls" in screen

"""codex-synth around Codex: what it sets, what it passes on, and what it does where something is missing."""

import json
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import harness
from cli.harness import Ended, House, end
from cli.synth_harness import SYNTH
from fakes.codex import CODEX
from oneshot_shared import needs

# what it was started with, as JSON; it works as long as a file says so, and ends with 7
CODEX_OF_OURS = """#!/usr/bin/env python3
import json, os, pathlib, sys, time
print(json.dumps({"argv": sys.argv[1:], "env": dict(os.environ), "group": os.getpgrp()}), flush=True)
while pathlib.Path("at-work").exists():
    time.sleep(0.02)
sys.exit(7)
"""


@pytest.fixture(scope="module")
def synth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose program is codex-synth, with a Codex of ours on the PATH."""
    folder = tmp_path_factory.mktemp("bin")
    program(folder, CODEX_OF_OURS)
    with harness.house() as made:
        made.program = (SYNTH,)
        made.env["PATH"] = f"{folder}:{made.env['PATH']}"
        made.env["ONESHOT_STATE"] = str(made.root / "s")
        yield made
        made.program = (harness.ONESHOT,)


def program(folder: Path, text: str) -> Path:
    file = folder / "codex"
    file.write_text(text)
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def test_codex_gets_what_it_needs_and_its_own_arguments_last(synth: House) -> None:
    given = ["exec", "--json", "-c", "mcp_servers.oneshot.tool_timeout_sec=5", "two words", "--", "-x"]
    ended = synth(*given)
    said = json.loads(ended.out)
    assert ended.code == 7
    assert said["argv"][-len(given) :] == given
    ours = said["argv"][: -len(given)]
    assert ours[::2] == ["-c"] * (len(ours) // 2)
    assert all(each.startswith("mcp_servers.oneshot.") for each in ours[1::2])
    name = said["env"]["ONESHOT_SESSION"]
    assert said["env"]["RUN_ID"] == name
    assert said["env"]["HTTPS_PROXY"].startswith(f"http://{name}:osb.")
    assert "BEGIN CERTIFICATE" not in said["env"]["CODEX_CA_CERTIFICATE"]
    token = said["env"]["HTTPS_PROXY"].split(":")[2].split("@")[0]
    assert token not in str(said["argv"])
    lines = ended.err.splitlines()
    assert lines[0].startswith("oneshot: Recorded 0 calls, ")
    assert lines[0].endswith(f"oneshot trace show {name}")
    assert lines[-1].startswith("oneshot: no task was started in this session; to make one, ask Codex")


def test_codex_is_in_the_same_process_group_and_gets_the_signals(synth: House) -> None:
    """Ctrl-Z and Ctrl-C are the group's; what a machine that goes down sends is passed on."""
    (synth.root / "at-work").touch()
    process = synth.start()
    assert process.stdout
    assert json.loads(process.stdout.readline())["group"] == process.pid
    os.kill(process.pid, signal.SIGTERM)
    ended = end(process)
    (synth.root / "at-work").unlink()
    assert ended.code == 128 + signal.SIGTERM
    assert "oneshot: Recorded 0 calls" in ended.err


def test_what_talks_to_no_model_needs_no_stack() -> None:
    with harness.house(CODEX_BIN=str(CODEX)) as house:
        house.program = (SYNTH,)
        said = [house("--version"), house("exec", "--help"), house("mcp", "list")]
        house.program = (harness.ONESHOT,)
        assert not house.state.exists()
    assert [each.code for each in said] == [0, 0, 0], said
    assert said[0].out == f"codex-cli {needs.CODEX_VERSION}\n"
    assert "Usage: codex exec" in said[1].out
    assert not any("oneshot:" in each.err for each in said)


def _refused(house: House, **env: str) -> Ended:
    """How it ends where it starts neither Codex nor a stack."""
    ended = house("exec", "x", **env)
    assert (ended.code, ended.out) == (2, "")
    return ended


def test_no_codex(synth: House) -> None:
    path = {"PATH": f"{Path(harness.ONESHOT).parent}"}
    sentence = _refused(synth, **path).sentence
    assert sentence.startswith(
        "there is no codex on the PATH; install it, for example with `npm install -g @openai/codex`, "
    )
    assert sentence.endswith(f"export CODEX_BIN={CODEX}")
    assert synth("--version", **path).code == 2
    wrong = _refused(synth, CODEX_BIN="/no/such").sentence
    assert wrong == "CODEX_BIN is '/no/such', which is no program; set it to a Codex, or leave it out for the PATH's"


def test_where_nothing_can_be_recorded_codex_is_not_started_unless_it_is_wanted(synth: House, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = {"ONESHOT_DATA": str(tmp_path / "file")}
    sentence = _refused(synth, **nowhere).sentence
    assert sentence.startswith("this session could not be recorded, so Codex was not started: the data folder ")
    assert sentence.endswith("to work unrecorded all the same, set ONESHOT_RECORD=0")
    ended = synth("exec", "x", **nowhere, ONESHOT_RECORD="0")
    said = json.loads(ended.out)
    assert ended.code == 7
    assert said["env"]["ONESHOT_SESSION"] == ""
    assert "HTTPS_PROXY" not in said["env"]
    assert "mcp_servers.oneshot" in str(said["argv"])
    assert ended.err.splitlines()[0] == "oneshot: nothing was recorded (ONESHOT_RECORD=0)"


def test_a_stack_that_is_killed_meanwhile_is_said_and_ends_nothing(synth: House) -> None:
    (synth.root / "at-work").touch()
    process = synth.start()
    assert process.stdout
    process.stdout.readline()
    synth.program = (harness.ONESHOT,)
    assert synth("down", "--force").code == 0
    synth.program = (SYNTH,)
    (synth.root / "at-work").unlink()
    ended = end(process)
    assert ended.code == 7
    assert "oneshot: Alarm: the recording may have ended early (" in ended.err


def test_what_gives_way_is_said(synth: House) -> None:
    ended = synth(HTTPS_PROXY="http://corp:1", NO_PROXY="*")
    assert ended.err.splitlines()[0].startswith("oneshot: the proxy that this shell names")

"""oneshot run and demo, for real, on one shared stack."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cli.harness import House, end, lay_task

LOCAL = ("--backend", "local")
BLOCK = (
    "[results] ----------------------------------------",
    "[results] ========================================",
    "[cleanup] Removing sandbox",
)


def test_the_oracle_passes_with_diff_and_block(house: House) -> None:
    ended = house("run", "hello-world", "--agent", "oracle", *LOCAL)
    assert ended.code == 0
    assert "+hello world\n[results] ---" in ended.out
    assert all(line in ended.out.splitlines() for line in BLOCK)
    assert "[results] Verdict: PASS\n" in ended.out
    assert "agent at work" in ended.err
    run = house.runs()[0]
    folder = house.data / "runs" / run["run_id"]
    assert run["grade"]["verdict"] == "VERDICT_PASS"
    assert json.loads((folder / "evaluation_results.json").read_text())["verdict"] == "PASS"
    assert {path.name for path in folder.iterdir()} == {
        "run.json", "evaluation_results.json", "scoring_results.md", "logs", "artifacts", "trace",
    }  # fmt: skip


def test_nop_fails_with_the_block(house: House) -> None:
    ended = house("run", str(house.task), "--agent", "nop", *LOCAL)
    assert ended.code == 1
    assert all(line in ended.out.splitlines() for line in BLOCK)
    assert "[results] Verdict: FAIL" in ended.out
    assert "[results] Unit tests: 5 passed, 1 failed" in ended.out
    assert "diff --git" not in ended.out


def test_a_command_works_in_the_tree_and_sees_no_variable_of_the_caller(house: House) -> None:
    command = "printf '\\nhello world\\n' >> README.md; env; id -u"
    ended = house("run", "hello-world", "--agent", "command", "--command", command, *LOCAL, SECRET="canary-7")
    assert ended.code == 0
    log = house("runs", "logs", house.runs()[0]["run_id"], "--name", "agent.stdout.log").out
    assert "ONESHOT_SANDBOX" in log
    assert "canary-7" not in log


def test_within_a_pairing_session_a_run_has_an_id_of_its_own(house: House) -> None:
    wish = ("run", "hello-world", "--agent", "nop", *LOCAL)
    for _ in range(2):
        assert house(*wish, RUN_ID="live-1", ONESHOT_SESSION="live-1").code == 1
        assert house.runs()[0]["run_id"] != "live-1"


def test_a_command_that_runs_too_long_is_stopped_and_graded(house: House) -> None:
    wish = ("--agent", "command", "--command", "sleep 300 & sleep 300", "--timeout", "1")
    ended = house("run", "hello-world", *wish, *LOCAL)
    assert ended.code == 1
    assert "[results] Note: time limit 1 s reached" in ended.out
    assert not [process for process in house.processes() if "sleep" in process]


def test_json_is_all_there_is_on_standard_output(house: House) -> None:
    ended = house("run", "hello-world", "--agent", "oracle", *LOCAL, "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.json["grade"]["verdict"] == "VERDICT_PASS"
    assert Path(ended.json["folder"]).is_dir()


def test_three_attempts(house: House) -> None:
    ended = house("run", "hello-world", "--agent", "oracle", *LOCAL, "-n", "3", "--run-id", "three")
    assert ended.code == 0
    assert ended.out.count("Verdict: PASS") == 3
    assert ended.out.splitlines()[-1] == "[results] 3 runs: 3 PASS, 0 FAIL, 0 INVALID"
    rows = house("run", "hello-world", "--agent", "nop", *LOCAL, "-n", "2", "--json", RUN_ID="two")
    assert rows.code == 1
    assert [row["run_id"] for row in rows.json] == ["two-1", "two-2"]


def test_attempts_of_which_one_has_a_taken_id_all_end(house: House) -> None:
    slow = ("--agent", "command", "--command", "sleep 300", *LOCAL)
    assert house("run", "hello-world", "--agent", "nop", *LOCAL, "--run-id", "pair-2").code == 1
    ended = house("run", "hello-world", *slow, "-n", "2", "--run-id", "pair")
    assert ended.code == 2
    assert "'pair-2' is taken by another run" in ended.sentence
    assert house("runs", "show", "pair-1", "--json").json["state"] == "RUN_STATE_CANCELLED"


def test_a_detached_run_goes_on_and_can_be_watched(house: House) -> None:
    started = house("run", "hello-world", "--agent", "command", "--command", "sleep 1", *LOCAL, "--detach")
    assert (started.code, started.err) == (0, "")
    run_id = started.out.strip()
    watched = house("runs", "watch", run_id)
    assert watched.code == 1
    assert "[results] Verdict: FAIL" in watched.out
    assert f"{run_id}  verifying in a fresh sandbox" in watched.err
    assert house("runs", "watch", run_id).out == watched.out


def test_two_commands_at_once_share_one_stack(own_house: House) -> None:
    wish = ("run", "hello-world", "--agent", "oracle", *LOCAL)
    with ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda _: own_house(*wish), range(2)))
    assert [ended.code for ended in both] == [0, 0], both
    assert all("Verdict: PASS" in ended.out for ended in both)
    assert len([process for process in own_house.processes() if "oneshot_cli.supervisor" in process]) == 1
    assert len(own_house.runs()) == 2


def test_demo_replays_the_real_codex(house: House) -> None:
    ended = house("demo", *LOCAL)
    assert ended.code == 0, ended
    assert (
        "Running hello-world: codex gpt-5.5, backend local (as asked); model answers are replayed from cassette 'hello-world'."
        in ended.err
    )
    assert "[results] Model answers: replayed from cassette 'hello-world'" in ended.out
    assert "[results] Verdict: PASS" in ended.out


def test_a_tree_of_a_thousand_lines_is_shown_in_part(house: House) -> None:
    wish = ("--agent", "command", "--command", "seq 1000 > numbers.txt")
    ended = house("run", "hello-world", *wish, *LOCAL)
    assert ended.code == 1
    (line,) = [line for line in ended.out.splitlines() if line.startswith("… ")]
    assert line.startswith("… the whole patch, 5,093 bytes: d/runs/")
    assert house("runs", "diff", house.runs()[0]["run_id"]).out.count("\n+") == 1001


@pytest.mark.parametrize("command", ["'no-such-command'", "'sh', '-c', 'echo first; echo the last line; exit 7'"])
def test_an_environment_that_does_not_build_is_invalid_and_the_tasks_fault(
    house: House, tmp_path: Path, command: str
) -> None:
    lay_task(tmp_path / "broken", f"[{command}]")
    ended = house("run", str(tmp_path / "broken"), "--agent", "oracle", *LOCAL)
    assert ended.code == 3
    assert "Verdict: INVALID (task): the environment of 'broken' does not build: " in ended.out
    assert ("the last line" if "exit 7" in command else "'no-such-command' cannot be run") in ended.out
    assert "Traceback" not in ended.err
    assert house.runs()[0]["grade"]["blame"] == "BLAME_TASK"
    assert not house.litter()


def test_the_demo_is_the_example_whatever_lies_in_the_current_folder(house: House, tmp_path: Path) -> None:
    """And OPENAI_MODEL, which is for live runs, does not spoil a replay."""
    (tmp_path / "hello-world").mkdir()
    process = house.start("demo", *LOCAL, "--json", cwd=tmp_path, OPENAI_MODEL="gpt-5-mini")
    ended = end(process)
    assert (ended.code, ended.json["replayed"], ended.json["request"]["model"]) == (0, "hello-world", "gpt-5.5"), ended

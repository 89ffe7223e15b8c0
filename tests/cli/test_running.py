"""Bad input to a run: refused in one sentence before anything is spent. And the exit code of several runs."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.harness import House, await_line, end, interrupt, lay_task, until
from cli.harness import house as make_house
from oneshot.grader.v1 import grader_pb2 as grader
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot_cli import running

LOCAL = ("--backend", "local")
LIVE = ("--agent", "codex", "--model", "gpt-5.5", *LOCAL)
NOP = ("--agent", "nop", *LOCAL)
BAD = {
    "no such task": (("helo-world", *NOP), "did you mean 'hello-world'?"),
    "no task": (("no-task", *NOP), "no-task is no task: it has no task.toml"),
    "a file": (("a-file", *NOP), "no task folder at 'a-file'"),
    "unknown key": (("unknown-key", *NOP), "unknown key 'agent.timeout_secs' (did you mean 'timeout_sec'?)"),
    "rubric weights": (("weights", *NOP), "the weights sum to 0.9 (task_completion 0.3 + "),
    "two cassettes": (("cassettes", *LOCAL, "--replay"), "has 2 cassettes (a, hello-world); name one: --replay NAME"),
    "an empty cassette's name": (
        ("hello-world", *LOCAL, "--replay", ""),
        "--replay is empty; name a cassette or a run, or give",
    ),
    "broken cassette": (("cassettes", *LOCAL, "--replay", "a"), "the first line of "),
    "link out": (("link", *NOP), "which is a link that leads out of the folder; remove it"),
    "unknown agent": (("hello-world", "--agent", "codx", *LOCAL), "agent 'codx' is unknown (did you mean 'codex'?)"),
    "unknown backend": (
        ("hello-world", "--agent", "nop", "--backend", "dockr"),
        "backend 'dockr' is unknown (did you mean 'docker'?)",
    ),
    "unknown provider": (("hello-world", *LIVE, "--provider", "opanai"), "provider 'opanai' is unknown (did you mean"),
    "no address": (("hello-world", *LIVE, "--provider", "compatible"), "set COMPATIBLE_BASE_URL to a URL"),
    "no key": (("hello-world", *LIVE), "export OPENAI_API_KEY and run again (after"),
    "no model": (("hello-world", *LOCAL), "agent 'codex' needs a model; add --model"),
    "no command": (("hello-world", "--agent", "command", *LOCAL), "needs a command; add --command"),
    "a command for nop": (("hello-world", *NOP, "--command", "x"), "agent 'nop' takes no command"),
    "replay without a model": (("hello-world", *NOP, "--replay"), "'nop' runs without"),
    "unknown cassette": (("hello-world", *LOCAL, "--replay", "helo"), "no cassette 'helo'"),
    "another model's cassette": (
        ("hello-world", *LOCAL, "--replay", "--model", "gpt-4"),
        "holds answers of 'gpt-5.5', not of 'gpt-4'",
    ),
    "run id": (("hello-world", *NOP, "--run-id", "../x"), "the run id '../x' is not allowed"),
    "not without Docker": (
        ("docker-only", *NOP),
        "does not say how it runs without Docker; run it with --backend docker",
    ),
    "timeout 0": (("hello-world", *NOP, "--timeout", "0"), "--timeout is 0; give a number above 0"),
    "timeout nan": (("hello-world", *NOP, "--timeout", "nan"), "--timeout is nan; give a number above 0"),
    "timeout inf": (("hello-world", *NOP, "--timeout", "inf"), "--timeout is inf; give a number above 0 and below"),
    "timeout 0.5": (("hello-world", *NOP, "--timeout", "0.5"), "--timeout is 0.5; give whole seconds"),
    "timeout -1": (("hello-world", *NOP, "--timeout=-1"), "--timeout is -1; give a number above 0"),
    "token limit 0": (("hello-world", *NOP, "--token-limit", "0"), "--token-limit is 0; give a number above 0"),
    "token limit 10^20": (("hello-world", *NOP, "--token-limit", "1" + "0" * 20), "--token-limit is 1e+20; give"),
    "cost limit 0": (("hello-world", *NOP, "--cost-limit", "0"), "--cost-limit is 0; give a number above 0"),
    "request limit 0": (("hello-world", *NOP, "--request-limit", "0"), "--request-limit is 0; give a number above 0"),
    "cost limit nan": (("hello-world", *NOP, "--cost-limit", "nan"), "--cost-limit is nan; give a number above 0"),
}


@pytest.fixture(scope="module")
def folders(house: House) -> House:
    """Folders that are no good tasks, beside where commands run."""

    def broken(name: str, change: Callable[[Path], object]) -> None:
        change(Path(shutil.copytree(house.task, house.root / name)))

    def edit(file: str, old: str, new: str) -> Callable[[Path], object]:
        return lambda folder: (folder / file).write_text((folder / file).read_text().replace(old, new))

    (house.root / "no-task").mkdir()
    (house.root / "a-file").write_text("")
    broken("unknown-key", edit("task.toml", "timeout_sec = 900", "timeout_secs = 900"))
    broken("weights", edit("oneshot/rubric.toml", "weight = 0.4", "weight = 0.3"))
    broken("cassettes", lambda folder: (folder / "oneshot/cassettes/a.jsonl").write_text("no JSON\n"))
    broken("link", lambda folder: (folder / "environment/repo/out").symlink_to("/etc/passwd"))
    broken("docker-only", edit("task.toml", "[metadata.oneshot.local", "[metadata.another"))
    return house


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_sentence_and_leaves_nothing(folders: House, what: str) -> None:
    arguments, words = BAD[what]
    before = sorted((folders.data / "runs").glob("*"))
    ended = folders("run", *arguments)
    assert (ended.code, ended.out) == (2, ""), ended
    assert words in ended.sentence
    assert sorted((folders.data / "runs").glob("*")) == before
    assert not folders.litter()


def test_no_bad_input_became_a_run(folders: House) -> None:
    known = {run["run_id"] for run in folders.runs()}
    assert known == {folder.name for folder in (folders.data / "runs").glob("*")}


def test_a_run_id_that_is_taken(house: House) -> None:
    assert house("run", "hello-world", *NOP, "--run-id", "mine").code == 1
    again = house("run", "hello-world", *NOP, "--run-id", "mine")
    assert again.code == 1, "a repeat is harmless: the same run is shown"
    assert "Run 'mine' was made at 20" in again.err
    assert ": this is its result, and nothing is run." in again.err
    ended = house("run", "hello-world", "--agent", "oracle", *LOCAL, "--run-id", "mine")
    assert ended.code == 2
    assert ended.sentence == "the run id 'mine' is taken by another run; choose another"
    other = house("run", "hello-world", *NOP, "--run-id", "mine", "--timeout", "5")
    assert other.code == 2, "limits are part of the wish"


def test_docker_that_does_not_run() -> None:
    with make_house(DOCKER_HOST="unix:///nonexistent.sock") as house:
        ended = house("run", "hello-world", "--agent", "nop", "--backend", "docker")
        assert (ended.code, ended.out) == (2, "")
        assert "Docker" in ended.sentence
        assert house.runs() == []
        unasked = house("run", "hello-world", "--agent", "oracle", "--json")
        assert (unasked.code, unasked.json["request"]["backend"]) == (0, "local"), "without being asked it is local"


@pytest.fixture(params=["32M", "64k"])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={request.param},mode=700", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let us mount a small disk")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    with make_house() as house:
        house.env["ONESHOT_DATA"] = str(small_disk / "d")
        ended = house("run", str(house.task), *NOP)
        assert (ended.code, ended.out) == (2, ""), ended
        assert "No space left on device" in ended.sentence or "MiB are free at" in ended.sentence, ended
        assert "ONESHOT_DATA to another disk" in ended.sentence or "free some space" in ended.sentence
        assert house("down", "--force").code == 0
        house.env["ONESHOT_DATA"] = str(house.data)


SLOW = ("--agent", "command", "--command", "sleep 300", *LOCAL)


@pytest.mark.parametrize(
    ("task", "wish", "words"),
    [
        ("slow", NOP, "building the environment"),
        ("hello-world", SLOW, "agent at work"),
        ("tests", NOP, "verifying in a fresh sandbox"),
    ],
)
def test_ctrl_c_cancels_and_leaves_nothing(stages: House, task: str, wish: tuple[str, ...], words: str) -> None:
    process = stages.start("run", task, *wish)
    await_line(process, words)
    time.sleep(0.3)  # into the middle of it
    interrupt(process)
    ended = end(process)
    assert ended.code == 130
    assert "cancelling; a second Ctrl-C stops waiting for it" in ended.err
    assert "was cancelled\n" in ended.err
    assert "Traceback" not in ended.err
    assert stages.runs()[0]["state"] == "RUN_STATE_CANCELLED"
    until(lambda: not [each for each in stages.processes() if "oneshot" not in each], what=stages.processes)
    assert not stages.litter()


def test_ctrl_c_on_several_runs_keeps_the_results_of_those_that_have_ended(house: House) -> None:
    at_work = house.data / "first-is-done"
    command = f"if mkdir {at_work}; then exit; else sleep 300; fi"
    wish = ("--agent", "command", "--command", command, *LOCAL, "-n", "2", "--run-id", "both")
    process = house.start("run", "hello-world", *wish)

    def states() -> list[str]:
        return sorted(run["state"] for run in house.runs() if run["run_id"].startswith("both"))

    until(lambda: states() == ["RUN_STATE_FINISHED", "RUN_STATE_RUNNING"], what=states)
    interrupt(process)
    ended = end(process)
    assert ended.code == 130
    assert ended.out.count("[results] Verdict: FAIL") == 1
    assert ended.err.count("was cancelled\n") == 1
    assert states() == ["RUN_STATE_CANCELLED", "RUN_STATE_FINISHED"]


@pytest.fixture(scope="module")
def stages(house: House) -> House:
    """Tasks that are slow at each stage."""
    lay_task(house.root / "slow", "['sleep', '300']")
    lay_task(house.root / "tests")
    slow = "import time\n\n\ndef test_slow():\n    time.sleep(300)\n"
    (house.root / "tests" / "tests" / "files" / "tests" / "test_readme.py").write_text(slow)
    return house


def test_ctrl_c_while_the_stack_starts(own_house: House) -> None:
    process = own_house.start("run", "hello-world", *SLOW)
    until(lambda: (own_house.state / "start.lock").exists())
    interrupt(process)
    ended = end(process)
    assert ended.code == 130
    assert "Traceback" not in ended.err
    assert own_house("runs", "list").out == "No runs yet; start with: oneshot demo\n"
    assert own_house.runs() == []


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.1, 0.2, 0.4, None])
def test_ctrl_c_at_any_time(house: House, seconds: float | None) -> None:
    """`None`: as soon as it was submitted. Else counted from when Python has begun, which loses an interrupt before."""
    before = len(house.runs())
    process = house.start("run", "hello-world", *SLOW)
    until(lambda: "/lib-dynload/" in Path(f"/proc/{process.pid}/maps").read_text())
    if seconds is None:
        until(lambda: len(house.runs()) > before)
    else:
        time.sleep(seconds)
    interrupt(process)
    ended = end(process)
    before_we_listen = ended.code == -signal.SIGINT or "init_import_site" in ended.err
    assert ended.code == 130 or before_we_listen, ended
    assert all("ended_at" in run for run in house.runs())
    assert not house.litter()
    if seconds is None:
        assert "was cancelled" in ended.err


def _run(verdict: grader.Verdict, state: pb.RunState = pb.RUN_STATE_FINISHED) -> pb.Run:
    return pb.Run(state=state, grade=grader.Grade(verdict=verdict))


@pytest.mark.parametrize(
    ("runs", "code"),
    [
        ([_run(grader.VERDICT_PASS)], 0),
        ([_run(grader.VERDICT_UNSPECIFIED)], 0),
        ([_run(grader.VERDICT_PASS), _run(grader.VERDICT_FAIL)], 1),
        ([_run(grader.VERDICT_INVALID), _run(grader.VERDICT_FAIL)], 3),
        ([_run(grader.VERDICT_INVALID), pb.Run(state=pb.RUN_STATE_CANCELLED)], 130),
    ],
)
def test_the_gravest_of_several_runs_is_the_exit_code(runs: list[pb.Run], code: int) -> None:
    assert running._code(runs) == code


def test_a_key_that_another_shell_gave_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ONESHOT_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    said = "; with the key that another shell gave to the stack (OPENAI_API_KEY is not set here)"
    assert running._whose_key("openai", "") == said
    assert (
        running._whose_key("openai", "elsewhere") == running._whose_key("vllm", "") == running._whose_key("", "") == ""
    )
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    assert running._whose_key("openai", "") == ""

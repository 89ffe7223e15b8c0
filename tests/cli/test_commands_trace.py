"""oneshot trace, on a run of the demo."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.harness import House
from cli.harness import house as made_house
from fakes import tls
from fakes.model_server import say, serving


@pytest.fixture(scope="module")
def run_id(house: House) -> Iterator[str]:
    """A run of the demo."""
    ended = house("demo", "--backend", "local", "--json")
    assert ended.code == 0, ended
    return ended.json["run_id"]  # type: ignore[no-any-return, return-value]


def test_its_help_names_every_command(house: House) -> None:
    helped = house("trace", "--help")
    assert helped.code == 0
    for name in ("list", "show", "export", "verify", "prune"):
        assert name in helped.out


def test_list(house: House, run_id: str) -> None:
    header, *rows = house("trace", "list", "--limit", "100").out.splitlines()
    assert header.split() == [
        "SESSION",
        "KIND",
        "MODEL",
        "UPSTREAM",
        "OPENED",
        "CALLS",
        "TOKENS",
        "COST",
        "SIZE",
        "STATE",
    ]
    (row,) = [row for row in rows if row.startswith(run_id)]
    assert row.split()[1:4] == ["run", "gpt-5.5", "replay:hello-world"]
    (found,) = [
        each for each in house("trace", "list", "--limit", "100", "--json").json if each["session_id"] == run_id
    ]
    assert found["calls"] == 4
    assert (found["usage"]["reasoning_tokens"], found["open"], found["alarms"]) == (0, False, [])


def test_show(house: House, run_id: str) -> None:
    shown = house("trace", "show", run_id)
    assert shown.code == 0, shown
    lines = shown.out.splitlines()
    assert lines[0].startswith(f"{run_id}  run session")
    assert lines[1] == "  model    gpt-5.5 from replay:hello-world"
    assert [line.split("  ")[0] for line in lines if line.startswith("●")] == [
        "● developer", "● developer", "● context", "● user", *["● agent"] * 4
    ]  # fmt: skip
    assert "\x1b" not in shown.out
    assert max(map(len, lines[8:])) <= 100
    full = house("trace", "show", run_id, "--full", COLUMNS="72").out
    assert "--full" not in full
    both = house("trace", "show", run_id, "--json").json
    assert (both["session"]["session_id"], both["trajectory"]["schema_version"]) == (run_id, "ATIF-v1.8")


def test_show_one_line_a_call(house: House, run_id: str) -> None:
    header, *calls = house("trace", "show", run_id, "--calls").out.splitlines()
    assert header.startswith("CALL")
    assert [line.split()[0] for line in calls] == ["1", "2", "3", "4"]
    found = house("trace", "show", run_id, "--calls", "--json").json
    assert [call["seq"] for call in found] == [1, 2, 3, 4]
    assert found[0]["request_bytes"] > 10_000
    assert found[0]["usage"]["cached_tokens"] == 0
    assert not {"request", "response"} & found[0].keys()


def test_export_to_a_file_and_to_standard_output(house: House, run_id: str, tmp_path: Path) -> None:
    file = tmp_path / "trajectory.json"
    written = house("trace", "export", run_id, "--format", "atif", "-o", str(file))
    assert (written.code, written.out) == (0, "")
    kept: dict[str, Any] = json.loads((house.data / "runs" / run_id / "trace" / "trajectory.json").read_text())
    assert json.loads(file.read_text()) == kept
    assert all(line.startswith("This format does not carry: ") for line in written.err.splitlines())
    assert len(written.err.splitlines()) == len(kept["extra"]["not_carried"])
    raw = house("trace", "export", run_id, "--format", "raw")
    assert (raw.code, raw.err, len(raw.out.splitlines())) == (0, "", 4)
    rollout = house("trace", "export", run_id, "--format", "rollout")
    assert json.loads(rollout.out.splitlines()[0])["type"] == "session_meta"


def test_what_is_not_there(house: House, run_id: str, tmp_path: Path) -> None:
    for command in (("show", run_id[:-1]), ("export", run_id[:-1], "--format", "raw")):
        ended = house("trace", *command)
        assert (ended.code, ended.out) == (2, "")
        assert ended.sentence.startswith(f"there is no session {run_id[:-1]!r}")
        assert run_id in ended.sentence
    ended = house("trace", "export", run_id, "--format", "jsonl")
    assert (ended.code, ended.sentence) == (2, "there is no trace format 'jsonl'; known: atif, rollout, cassette, raw")
    ended = house("trace", "export", run_id, "--format", "raw", "-o", str(tmp_path / "no" / "file"))
    assert (ended.code, ended.sentence) == (
        2,
        f"there is no folder '{tmp_path}/no' to write 'file' into; make it first",
    )
    assert list(tmp_path.iterdir()) == []


TASK = "greet-20261125-030904-e0595c"
WORK = """
import json, ssl, sys, urllib.request
context = ssl.create_default_context()
start = {"type": "function_call", "name": "repo_start_task_v1", "call_id": "start", "arguments": "{}"}
given = {"type": "function_call_output", "call_id": "start", "output": "Task " + sys.argv[2] + " is started."}
body = {"model": "gpt-5", "input": [{"role": "user", "content": "Do it."}, start, given], "stream": True}
headers = {"authorization": "Bearer x", "content-type": "application/json"}
request = urllib.request.Request(sys.argv[1] + "/responses", json.dumps(body).encode(), headers)
urllib.request.urlopen(request, context=context).read()
"""


def test_export_of_the_work_on_a_task(tmp_path: Path) -> None:
    made = tls.made(tmp_path / "tls")
    with serving(lambda _: say("hello"), made.server) as server:
        hosts = server.base_url.split("/")[2]
        with made_house(ONESHOT_PROXY_UPSTREAM_CA=str(made.authority), ONESHOT_PROXY_MODEL_HOSTS=hosts) as mine:
            recorded = mine("trace", "record", "--", sys.executable, "-c", WORK, server.base_url, TASK)
            assert recorded.code == 0, recorded
            export = ("trace", "export", recorded.err.split()[-1], "--format")
            tape = mine(*export, "cassette", "--task", TASK, "--final-message", "Done.")
            assert tape.code == 0, tape
            assert "the task's end: no call in this session ended it" in tape.err
            (said,) = json.loads(tape.out.splitlines()[1])["output"]
            assert said["content"][0]["text"] == "hello"
            assert "repo_start" not in mine(*export, "rollout", "--task", TASK).out
            assert "repo_start" in mine(*export, "rollout").out
            raw = mine(*export, "raw", "--task", TASK)
            assert (raw.code, raw.out) == (2, "")
            assert "choose another format, or leave the task out" in raw.sentence
            other = mine(*export, "atif", "--task", "other")
            assert (other.code, "holds no work on task 'other'" in other.sentence) == (2, True)
            alone = mine(*export, "atif", "--final-message", "Done.")
            assert (alone.code, alone.sentence) == (
                2,
                "the final message 'Done.' is for the work on one task; name that with --task",
            )

"""The original's bug, tools reported as failed after they had succeeded, by its causes: real Codex, its three tool surfaces, our table."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fakes.codex import CODEX
from fakes.codex_surfaces import CODE, DEFERRED, PLAIN, SURFACES, Ran, run, tool
from fakes.model_server import Answer, ModelServer, say
from oneshot_cli import codex_config

TESTS = Path(__file__).parents[1]
START, END = "repo.start_task.v1", "repo.end_task.v1"
BOTH = [(START, "completed"), (END, "completed")]


def acting(name: str, **changed: Any) -> list[str]:
    """Our table, with other tools behind it and keys changed (None: left out)."""
    table = codex_config.table() | {"command": sys.executable, "args": ["-m", "cli.toolserver", name]}
    table["env_vars"] += ["PYTHONPATH", "ONESHOT_TEST_CALLS", "ONESHOT_TEST_DELAY"]
    return codex_config.arguments({key: value for key, value in (table | changed).items() if value is not None})


def work(tmp_path: Path) -> Path:
    """A repository."""
    folder = tmp_path / "work"
    folder.mkdir(parents=True)
    (folder / "README").write_text("x\n")
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@t")
    for command in (("init", "-q"), ("add", "."), ("commit", "-qm", "x")):
        subprocess.run([*git, *command], cwd=folder, check=True)
    return folder


async def codex(
    tmp_path: Path, model: str, answers: Sequence[Answer], *arguments: str, delay: str = "3", config: str = ""
) -> Ran:
    if not (tmp_path / "work").exists():
        work(tmp_path)
    environment = {"PYTHONPATH": str(TESTS), "ONESHOT_TEST_CALLS": str(tmp_path / "calls"), "ONESHOT_TEST_DELAY": delay}
    async with ModelServer(answers) as server:
        ran = await run(tmp_path, server.base_url, "-m", model, *arguments, environment=environment, config=config)
        (tmp_path / "requests").write_text(json.dumps([seen.json for seen in server.requests]))
    return ran


def both(model: str) -> list[Answer]:
    return [*tool(model, START, title="Add x"), *tool(model, END, summary="Added x"), say("Done.")]


def calls(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines()]


@pytest.mark.parametrize("model", SURFACES)
async def test_a_server_that_is_late_is_waited_for(tmp_path: Path, model: str) -> None:
    ran = await codex(tmp_path, model, both(model), *acting("Slow"))
    assert (ran.code, ran.statuses) == (0, BOTH), ran


async def test_nobody_waits_for_a_server_that_is_not_required(tmp_path: Path) -> None:
    """What the table is for: this fails where Codex comes to wait by itself."""
    ran = await codex(tmp_path, PLAIN, both(PLAIN), *acting("Slow", required=None))
    assert (ran.code, ran.statuses) == (0, [])


@pytest.mark.parametrize(
    ("model", "policy"), [(PLAIN, "never"), (DEFERRED, "never"), (CODE, "never"), (PLAIN, "on-request")]
)
async def test_no_approval_is_needed(tmp_path: Path, model: str, policy: str) -> None:
    """By the table, and by the annotations of the tools alone."""
    for mode in ("approve", None):
        folder = tmp_path / str(mode)
        changed = acting("Recording", default_tools_approval_mode=mode)
        ran = await codex(folder, model, both(model), *changed, "-c", f'approval_policy="{policy}"')
        assert (ran.code, ran.statuses) == (0, BOTH), ran


@pytest.mark.parametrize("model", [PLAIN, CODE])
@pytest.mark.parametrize("what", ["Noisy", "Odd", "Empty", "Detached"])
async def test_whatever_a_tool_answers_or_prints_is_a_success(tmp_path: Path, model: str, what: str) -> None:
    ran = await codex(tmp_path, model, both(model), *acting(what), delay="100")
    assert (ran.code, ran.statuses) == (0, BOTH), ran
    if what == "Detached":
        for pid in ran.texts:
            os.kill(int(pid), 9)


@pytest.mark.parametrize("model", SURFACES)
async def test_a_tool_that_would_end_the_process_is_answered_for(tmp_path: Path, model: str) -> None:
    ran = await codex(tmp_path, model, both(model), *acting("Leaving"))
    assert ran.code == 0
    assert ["fault in oneshot itself" in text for text in ran.texts] == [True, True]


def test_a_tool_may_take_longer_than_codex_waits_by_itself(tmp_path: Path) -> None:
    """300 s without the key; and progress does not prolong it, so that long work is a delivery's, never a tool's."""
    listed = json.loads(codex_mcp_list(tmp_path))
    (server,) = [each for each in listed if each["name"] == "oneshot"]
    assert server["tool_timeout_sec"] > 300
    assert server["startup_timeout_sec"] >= 60


def codex_mcp_list(tmp_path: Path) -> str:
    command = [str(CODEX), *codex_config.overrides({}), "mcp", "list", "--json"]
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CODEX_HOME": str(tmp_path)}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("trusted", [False, True])
async def test_a_project_cannot_take_the_server_s_place(tmp_path: Path, trusted: bool) -> None:
    folder = work(tmp_path)
    (folder / ".codex").mkdir()
    (folder / ".codex" / "config.toml").write_text(
        '[mcp_servers.oneshot]\ncommand = "false"\nargs = ["--help"]\nenabled = false\nrequired = false\ntool_timeout_sec = 0.001\n'
    )
    trust = f'[projects."{folder}"]\ntrust_level = "trusted"\n' if trusted else ""
    ran = await codex(tmp_path, PLAIN, both(PLAIN), *acting("Recording"), config=trust)
    assert (ran.code, ran.statuses) == (0, BOTH), ran


@pytest.mark.parametrize("model", SURFACES)
async def test_the_caller_is_known_by_what_the_model_said(tmp_path: Path, model: str) -> None:
    """The id of the call is that of an item in the model's own conversation: on the wire and in the rollout."""
    ran = await codex(tmp_path, model, both(model), *acting("Recording"))
    started = next(event for event in ran.events if event["type"] == "thread.started")
    requests = json.loads((tmp_path / "requests").read_text())
    (rollout,) = ran.home.glob("sessions/*/*/*/*.jsonl")
    assert started["thread_id"] in rollout.name
    recorded = [json.loads(line)["payload"] for line in rollout.read_text().splitlines()]
    for called in calls(tmp_path):
        assert called["caller"]["thread_id"] == started["thread_id"]
        for items in (requests[-1]["input"], recorded):
            kinds = [
                item["type"]
                for item in items
                if called["caller"]["call_id"] in (item.get("call_id"), item.get("id"))
                and not item["type"].endswith("_output")
            ]
            assert kinds == ["custom_tool_call" if model == CODE else "function_call"]


async def test_a_search_finds_the_tool(tmp_path: Path) -> None:
    asked = [
        (START, "start a task"),
        (START, "begin recording benchmark"),
        (START, "one-shot evaluation"),
        (END, "finish task save diff"),
        (END, "end task rubric unit tests"),
        ("repo.check_readiness.v1", "repository readiness"),
        ("repo.autofix_readiness.v1", "fix readiness problems"),
        ("repo.task_status.v1", "task status"),
        ("repo.abort_task.v1", "cancel task"),
    ]
    answers = [each for name, words in asked for each in tool(DEFERRED, name, query=words, title="x", summary="x")]
    ran = await codex(tmp_path, DEFERRED, [*answers, say("Done.")], *acting("Recording"))
    assert ran.statuses == [(name, "completed") for name, _ in asked]
    said = json.loads((tmp_path / "requests").read_text())[-1]["input"]
    found = [item["tools"] for item in said if item["type"] == "tool_search_output"]
    for (name, words), spaces in zip(asked, found, strict=True):
        names = [each["name"] for space in spaces for each in space["tools"]]
        assert name.replace(".", "_") in names[:3], (words, names)


async def test_codex_passes_on_what_the_tools_need_and_no_key(tmp_path: Path) -> None:
    spoken = "import os, json; open(os.environ['ONESHOT_TEST_CALLS'], 'w').write(json.dumps(dict(os.environ)))"
    changed = acting("Recording", command=sys.executable, args=["-c", spoken], required=False)
    work(tmp_path)
    given = {
        "ONESHOT_SESSION": "live-1",
        "ONESHOT_STATE": "/s",
        "XDG_STATE_HOME": "/x",
        "ONESHOT_RUN_KEY": "k",
        "OPENAI_API_KEY": "k",
    }
    async with ModelServer([say("Done.")]) as server:
        environment = given | {"ONESHOT_TEST_CALLS": str(tmp_path / "calls"), "LANG": "C.UTF-8"}
        await run(tmp_path, server.base_url, "-m", PLAIN, *changed, environment=environment)
    passed = json.loads((tmp_path / "calls").read_text())
    home = str(tmp_path / "home")
    wanted = {
        "ONESHOT_SESSION": "live-1",
        "ONESHOT_STATE": "/s",
        "XDG_STATE_HOME": "/x",
        "HOME": home,
        "CODEX_HOME": home,
    }
    assert passed | wanted == passed
    assert {"PATH", "LANG"} <= passed.keys()
    assert not [name for name in passed if "KEY" in name]

"""The real Codex on the HTTP side: by url and bearer token, on each of its tool surfaces."""

import json
from pathlib import Path

import pytest

from capture.harness import BASE, END, TOKEN
from capture.http import harness
from fakes.codex_surfaces import PLAIN, SURFACES, Ran, run, tool
from fakes.model_server import ModelServer, say
from oneshot.capture.v1 import capture_pb2 as pb


async def codex(folder: Path, url: str, model: str, answers: list, token: str = TOKEN) -> Ran:
    (folder / "work").mkdir(exist_ok=True)
    table = {"url": f"{url}/mcp", "bearer_token_env_var": "ONESHOT_TOKEN"}
    flags = [word for key, value in table.items() for word in ("-c", f"mcp_servers.oneshot.{key}={json.dumps(value)}")]
    flags += ["-c", "mcp_servers.oneshot.required=true", "--skip-git-repo-check"]
    async with ModelServer(answers) as server:
        return await run(folder, server.base_url, "-m", model, *flags, environment={"ONESHOT_TOKEN": token})


@pytest.mark.parametrize("model", SURFACES)
async def test_it_starts_and_ends_a_task(tmp_path: Path, model: str) -> None:
    async with harness.web(tmp_path) as web:
        sent = await web.trees(BASE, END)
        begin = {"title": "Add numbers", "base_tree": sent["base_tree"]}
        task_id = (await web.call("start_task", **begin))["task_id"]  # a script cannot know it; a repeat gives the same
        start = tool(model, "repo.start_task.v1", **begin)
        ending = {"task_id": task_id, "summary": "Added.", "end_tree": sent["end_tree"], "pack": sent["pack"]}
        ran = await codex(tmp_path, web.url, model, [*start, *tool(model, "repo.end_task.v1", **ending), say("Done.")])
        assert (ran.code, ran.statuses) == (
            0,
            [("repo.start_task.v1", "completed"), ("repo.end_task.v1", "completed")],
        ), (ran.texts, ran.errors)
        assert task_id in ran.texts[0]
        task = web.house.capture.get(task_id)
        assert task.state == pb.TASK_STATE_ENDED, ran.texts
        assert (web.house.created / task.folder / "instruction.md").exists()
        started = next(event for event in ran.events if event["type"] == "thread.started")
        assert task.ending.thread_id == started["thread_id"]
        assert task.ending.end_call_id


async def test_another_token_is_refused_at_once(tmp_path: Path) -> None:
    async with harness.web(tmp_path) as web:
        ran = await codex(tmp_path, web.url, PLAIN, [say("Done.")], token="wrong")
    assert ran.code == 1
    assert ran.calls == []

"""A task whose work the real proxy recorded, of the real Codex, on each surface: trajectory, cassette and rollout of the created task."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from capture import harness
from capture.test_rollout import converted
from fakes.model_server import ModelServer
from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_capture import trace
from proxy import harness as proxies
from proxy.exports import tasks


def steps(document: bytes | dict[str, Any]) -> list[tuple[str, list[str]]]:
    """What an agent said and called."""
    made = document if isinstance(document, dict) else json.loads(document)
    return [
        (step["message"], [call["tool_call_id"] for call in step.get("tool_calls", [])])
        for step in made["steps"]
        if step["source"] == "agent"
    ]


@pytest.mark.parametrize("surface", tasks.SURFACES)
async def test_from_the_session_to_the_task_and_back(tmp_path: Path, surface: str) -> None:
    model = tasks.SURFACES[surface]
    repository = tmp_path / "repository"
    async with proxies.proxy(tmp_path / "proxy") as proxy, harness.house(tmp_path / "house", proxy.stub) as house:
        tasks.begin(tmp_path, proxy, tasks.TASK)
        async with ModelServer(tasks.work(surface, repository)) as upstream:
            await proxy.keys(upstream.base_url)
            code, said = await tasks.codex(tmp_path, await proxy.open(model=model), model, "Write three files.")
            assert code == 0, said
        await proxy.close()
        (log,) = tmp_path.glob("home/sessions/*/*/*/*.jsonl")
        calls = {"begin_call_id": "start", "end_call_id": "end2"}
        await house.start(tasks.TASK, session_id="run-1")
        linking = calls | {"thread_id": log.stem[-36:], "repository": str(repository), "summary": "All is written."}
        task = await house.end(tasks.TASK, rollout=log.read_bytes(), **linking)
        assert task.state == pb.TASK_STATE_ENDED
        assert not [remark for remark in task.remarks if "could not be had" in remark or "there is no" in remark], task
        folder = house.created / task.folder / "oneshot"
        trajectory = (folder / trace.TRAJECTORY).read_bytes()
        assert ("one" in str(steps(trajectory)), "two" in str(steps(trajectory))) == (True, True)
        assert not [name for name in ("start_task", "end_task", "task_status") if name in str(steps(trajectory))]
        assert (folder / trace.ROLLOUT).read_bytes() == log.read_bytes()

        own = steps(converted(tmp_path, log.read_bytes(), **calls))
        assert [called for _, called in own if called] == [["look"], ["one"], ["two", "three"]], (
            "the sender would cut it"
        )

        again = tmp_path / "again"
        tasks.begin(again, proxy)
        token = await proxy.open("run-2", model=model, cassette=(folder / trace.CASSETTE).read_bytes())
        code, said = await tasks.codex(again, token, model, "Write three files.")
        assert code == 0, said
        assert "All is written." in said
        written = {path.name: path.read_text() for path in (again / "repository").glob("*.txt")}
        assert written == {"one.txt": "one", "two.txt": "two", "three.txt": "3\n"}, said
        shutil.rmtree(again)

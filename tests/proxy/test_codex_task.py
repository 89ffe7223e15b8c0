"""Real Codex, headless, works from a cassette of a task that real Codex worked on with OneShot's tools at hand."""

from pathlib import Path

import pytest

from fakes.model_server import ModelServer
from oneshot.proxy.v1 import proxy_pb2 as pb
from proxy.exports import tasks
from proxy.exports.tasks import SURFACES, TASK
from proxy.harness import Proxy


@pytest.mark.parametrize("below", ["", "sub"])
@pytest.mark.parametrize("surface", SURFACES)
async def test_the_same_files_are_made(proxy: Proxy, tmp_path: Path, surface: str, below: str) -> None:
    model, mine, theirs = SURFACES[surface], tmp_path / "mine", tmp_path / "theirs"
    tasks.begin(mine, proxy, TASK)
    async with ModelServer(tasks.work(surface, mine / "repository")) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open(model=model)
        code, said = await tasks.codex(
            mine, token, model, "Start the task Greet, write the files, end it.", below=below
        )
    assert (code, "The task is ended." in said) == (0, True), said
    await proxy.close()
    tape, losses = await tasks.export(
        proxy, pb.TRACE_FORMAT_CASSETTE, task_id=TASK, repository=str(mine / "repository"), final_message="Two files."
    )
    assert str(mine).encode() not in tape
    assert b"oneshot__repo" not in tape
    assert b"repo_end_task" not in tape

    tasks.begin(theirs, proxy)
    token = await proxy.open("run-2", model=model, cassette=tape)
    code, said = await tasks.codex(theirs, token, model, "Write the files.")
    session = await proxy.close("run-2")
    assert code == 0, said
    assert "Two files." in said
    print(list(session.drift), losses)
    made = {str(file.relative_to(theirs)): file.read_text() for file in theirs.glob("repository/**/*.txt")}
    assert made == {"repository/one.txt": "one", str(Path("repository") / below / "two.txt"): "two"}
    assert any(words.startswith("user message") for words in session.drift)
    assert (session.calls, session.stopped_by, session.upstream_failure) == (3, "", "")

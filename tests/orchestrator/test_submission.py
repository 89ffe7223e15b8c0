"""A submission is checked whole before anything is spent."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from fakes.model_server import ModelServer
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot_orchestrator import submission
from oneshot_shared.errors import BadInput, NotReady
from orchestrator import harness
from orchestrator.harness import MODEL, Stack

LIVE: dict[str, Any] = {"agent": "codex", "model": MODEL, "provider": "openai"}


@pytest.mark.parametrize(
    ("wish", "error", "words"),
    [
        ({"agent": "codx"}, BadInput, "agent 'codx' is unknown (did you mean 'codex'"),
        ({"backend": "dokcer"}, BadInput, "backend 'dokcer' is unknown (did you mean 'docker'"),
        ({"agent": "codex"}, BadInput, "agent 'codex' needs a model; add --model"),
        ({"agent": "command"}, BadInput, "agent 'command' needs a command"),
        ({"agent": "nop", "command": "ls"}, BadInput, "agent 'nop' takes no command"),
        ({"agent": "nop", "replay": "hello-world"}, BadInput, "a replay needs an agent with a model"),
        (
            {"agent": "codex", "model": MODEL, "replay": "other"},
            BadInput,
            "has no cassette 'other'; it has: hello-world",
        ),
        (LIVE | {"provider": "opnai"}, BadInput, "provider 'opnai' is unknown (did you mean 'openai'"),
        (
            {"agent": "codex", "model": MODEL, "replay": "hello-world", "provider": "opnai"},
            BadInput,
            "provider 'opnai' is unknown (did you mean 'openai'",
        ),
        (LIVE, NotReady, "no key for provider 'openai': export OPENAI_API_KEY"),
        (LIVE | {"provider": "azure"}, NotReady, "provider 'azure' needs its address: set AZURE_OPENAI_BASE_URL"),
        (
            LIVE | {"provider": "anthropic"},
            BadInput,
            "agent 'codex' speaks the Responses API, and provider 'anthropic' does",
        ),
        ({"run_id": "../x"}, BadInput, "the run id '../x' is not allowed"),
        ({"run_id": ""}, BadInput, "the run id '' is not allowed"),
        ({"run_id": "x" * 81}, BadInput, "is not allowed; use at most 80"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_left(
    stack: Stack, hello: Path, wish: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words.replace("(", r"\(")):
        await stack.submit(hello, **wish)
    nothing_is_left(stack)


def nothing_is_left(stack: Stack) -> None:
    assert list(stack.scheduler.store.newest(5)) == []
    assert not list((stack.data / "runs").glob("*"))
    assert stack.scheduler.busy() == ""


async def test_a_run_of_another_task_is_not_replayed(stack: Stack, hello: Path, tmp_path: Path) -> None:
    await stack.end((await stack.submit(hello, run_id="first")).run_id)
    other = tmp_path / "other"
    shutil.copytree(hello, other)
    with pytest.raises(
        BadInput, match="run 'first' worked on task hello, and its answers are none to other; replay it on"
    ):
        await stack.submit(other, "codex", run_id="again", model=MODEL, replay_run="first")
    with pytest.raises(BadInput, match="trace store has no session 'first' to replay"):  # a run without a model
        await stack.submit(hello, "codex", run_id="again", model=MODEL, replay_run="first")


async def test_an_unknown_task(stack: Stack) -> None:
    with pytest.raises(FileNotFoundError, match="send its folder with PutTask first"):
        await stack.stub.SubmitRun(pb.SubmitRunRequest(run_id="a", task_digest="sha256:0", backend="local"))


async def test_a_cost_limit_needs_a_known_price(stack: Stack, hello: Path) -> None:
    async with ModelServer([]) as upstream:
        await stack.keys(upstream.base_url)
        with pytest.raises(
            BadInput, match="the price of model 'house-model' is not known, so a cost limit of 2 USD cannot be kept"
        ):
            await stack.submit(hello, "codex", model="house-model", limits={"cost_usd": 2})
        with pytest.raises(BadInput, match="cost limit -1"):
            await stack.submit(hello, "codex", model=MODEL, limits={"cost_usd": -1})
        nothing_is_left(stack)
        run = await stack.submit(hello, "codex", model="house-model")
        assert list(run.notes) == ["the price of house-model is not known: no cost, and no cost limit"]
        assert run.request.limits.cost_usd == 0
        await stack.cancel()


async def test_defaults_are_filled_in_and_shown(stack: Stack, hello: Path) -> None:
    run = await stack.submit(hello, "codex", model=MODEL, replay="hello-world")
    limits = run.request.limits
    assert (limits.wall_seconds, limits.tokens, limits.cost_usd) == (900, 2_000_000, 5.0)
    assert (run.task, run.replayed, run.request.provider) == ("hello", "hello-world", "")
    assert run.submitted_at.endswith("Z")
    await stack.cancel()
    run = await stack.submit(hello, run_id="b", limits={"wall_seconds": 7, "tokens": 8})
    assert (run.request.limits.wall_seconds, run.request.limits.tokens) == (7, 8)


async def test_a_task_that_says_nothing_about_running_without_docker(stack: Stack, hello: Path) -> None:
    text = (hello / "task.toml").read_text()
    (hello / "task.toml").write_text(text.replace('base = "repo"', 'base = "rep"'))
    with pytest.raises(BadInput, match=r"has no environment/rep, which \[metadata\.oneshot\.local\] base names"):
        await stack.submit(hello)
    (hello / "task.toml").write_text(text[: text.index("[metadata.oneshot.local]")])
    with pytest.raises(BadInput, match="does not say how it runs without Docker; run it with --backend docker"):
        await stack.submit(hello)
    nothing_is_left(stack)


async def test_no_engine(stack: Stack, hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    for _ in range(2):
        with pytest.raises(
            NotReady, match=r"no Docker engine answers at unix:///nonexistent.sock \(no socket\); start Docker"
        ):
            await stack.submit(hello, backend="docker")
    nothing_is_left(stack)


async def test_a_run_that_names_no_backend_gets_the_first_that_is_ready(
    stack: Stack, hello: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    request = pb.SubmitRunRequest(run_id="a", task_digest=await stack.put(hello), agent=pb.Agent(name="nop"))
    answer = await stack.stub.SubmitRun(request)
    reason = "no Docker engine answers at unix:///nonexistent.sock (no socket)"
    assert (answer.run.request.backend, answer.backend_reason) == ("local", reason)
    assert (await stack.stub.SubmitRun(request)).backend_reason == "submitted before"
    asked = pb.SubmitRunRequest(run_id="b", task_digest=request.task_digest, agent=request.agent, backend="local")
    assert (await stack.stub.SubmitRun(asked)).backend_reason == "as asked"
    await asyncio.gather(stack.end("a"), stack.end("b"))


async def test_a_stack_that_has_only_docker(tmp_path: Path, hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    async with harness.stack(tmp_path / "data", backends=("docker",)) as stack:
        with pytest.raises(BadInput, match="backend 'local' is unknown; this stack has: docker"):
            await stack.submit(hello)
        with pytest.raises(NotReady, match="no Docker engine answers"):
            await stack.submit(hello, backend="")
        nothing_is_left(stack)


async def test_no_disk(stack: Stack, hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10 << 20))
    with pytest.raises(NotReady, match=r"only 10 MiB are free at .*, and a run needs 512; free some space"):
        await stack.submit(hello)
    nothing_is_left(stack)


async def test_a_repeat_is_harmless_and_a_taken_id_is_refused(stack: Stack, hello: Path) -> None:
    first = await stack.submit(hello)
    assert (await stack.submit(hello)).submitted_at == first.submitted_at
    with pytest.raises(FileExistsError, match="the run id 'run-1' is taken by another run"):
        await stack.submit(hello, "oracle")
    await stack.end()
    assert (await stack.submit(hello)).grade.verdict == harness.FAIL  # also once it has ended
    with pytest.raises(FileExistsError, match="is taken by another run"):
        await stack.submit(hello, limits={"tokens": 5})
    (stack.data / "runs" / "other").mkdir()
    with pytest.raises(FileExistsError, match="runs/other exists already; choose another run id"):
        await stack.submit(hello, run_id="other")
    assert len(stack.scheduler.store.newest(5)) == 1


def test_ids() -> None:
    for good in ("a", "20260101-120000-hello-world-3150cb", "A.b_c-9"):
        submission.check_id(good)
    for bad in ("-a", ".hidden", "a/b", "a b", "ä", "a\n"):
        with pytest.raises(BadInput, match="is not allowed"):
            submission.check_id(bad)


async def test_a_proxy_that_is_away_is_said_and_not_waited_for(
    tmp_path: Path, hello: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "_PROXY_SECONDS", 0.5)
    (tmp_path / "data").mkdir()
    nobody = "unix:/tmp/oneshot-nobody-is-here"
    async with harness.orchestrator(tmp_path / "data", nobody, nobody) as stack:
        with pytest.raises(NotReady, match=r"the proxy of this stack has not answered for 0 s; see `oneshot status`"):
            await stack.submit(hello, "codex", model=MODEL, replay="hello-world")
        nothing_is_left(stack)

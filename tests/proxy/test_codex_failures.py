"""The real Codex CLI through the gateway while its world fails: every call is recorded, with the right usage and no key."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fakes.codex import CODEX, MODEL, at_gateway
from fakes.model_server import Answer, ModelServer, Seen, error, items, say
from oneshot.proxy.v1 import proxy_pb2 as pb
from proxy.harness import CANARY, Proxy
from proxy.secrets_search import holding


def used(number: int) -> dict[str, Any]:
    """A usage that no other call has."""
    return {
        "input_tokens": 1000 + number,
        "input_tokens_details": {"cached_tokens": 500 + number},
        "output_tokens": 100 + number,
        "output_tokens_details": {"reasoning_tokens": 10 + number},
        "total_tokens": 1100 + 2 * number,
    }


def turn(number: int) -> Answer:
    """The model wants a command, another one each time."""
    arguments = json.dumps({"cmd": f"echo turn-{number}; echo token=$ONESHOT_RUN_KEY."})
    item = {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}", "name": "exec_command"}
    return items(item | {"arguments": arguments, "status": "completed"}, usage=used(number))


def half() -> Answer:
    """An answer whose server dies in the middle of it."""
    whole = say("The first half of a sentence")
    return Answer(whole.chunks[:2], cut=True)


@dataclass
class Scene:
    """A session with an upstream, and the folder in which Codex lives."""

    proxy: Proxy
    upstream: ModelServer
    token: str
    folder: Path

    async def start(
        self, *arguments: str, request_retries: int = 4, stream_retries: int = 2
    ) -> asyncio.subprocess.Process:
        """Start Codex; with `arguments` another way than `exec` with a first prompt."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        config = at_gateway(self.proxy.port)
        config = config.replace("request_max_retries = 0", f"request_max_retries = {request_retries}")
        config = config.replace("stream_max_retries = 0", f"stream_max_retries = {stream_retries}")
        (home / "config.toml").write_text(config)
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home), "ONESHOT_RUN_KEY": self.token}
        command = ("exec", "--json", "--skip-git-repo-check", "-s", "workspace-write", *(arguments or ("Work.",)))
        return await asyncio.create_subprocess_exec(
            CODEX, *command, cwd=self.folder, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )

    async def ended(self, process: asyncio.subprocess.Process) -> list[dict[str, Any]]:
        """Codex's events, once it has ended."""
        said, _ = await asyncio.wait_for(process.communicate(), 60)
        return [json.loads(line) for line in said.splitlines() if line.startswith(b"{")]

    async def run(self, code: int = 0, **how: Any) -> dict[str, Any]:
        """Run Codex to its end; its last event."""
        process = await self.start(**how)
        last = (await self.ended(process))[-1]
        assert process.returncode == code, last
        return last

    async def asked(self, count: int) -> None:
        """Wait until the upstream was asked so many times and has begun to answer."""
        async with asyncio.timeout(30):
            while len(self.upstream.requests) < count:  # noqa: ASYNC110 -- another process asks
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)


@pytest.fixture
def scene(
    proxy: Proxy, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Callable[..., Any]:
    """Opens a scene; at its end all calls must be recorded, and neither key nor token be where they do not belong."""

    @asynccontextmanager
    async def opened(script: list[Answer] | Callable[[Seen], Answer], **limits: int) -> AsyncIterator[Scene]:
        async with ModelServer(script) as upstream:
            await proxy.keys(upstream.base_url)
            token = await proxy.open(model=MODEL, limits=limits)
            yield Scene(proxy, upstream, token, tmp_path)
            await check(upstream, token)

    async def check(upstream: ModelServer, token: str) -> None:
        calls = await proxy.calls()
        assert [call.seq for call in calls] == list(range(1, len(calls) + 1))
        asked = [call for call in calls if not call.error.startswith("token limit")]
        assert [call.request for call in asked] == [seen.body for seen in upstream.requests]
        for seen in upstream.requests:
            assert seen.headers["authorization"] == f"Bearer {CANARY}"
            assert token not in str(seen)
        out, err = capfd.readouterr()
        assert not any(secret in text for secret in (CANARY, token) for text in (out, err, caplog.text))
        assert holding(tmp_path / "data", CANARY, token) == []

    return opened


async def closed(proxy: Proxy, said: dict[str, Any] | None = None) -> pb.Session:
    """The final record; `said` is Codex's last event with its own count."""
    usage = None
    if said is not None:
        counts = said["usage"]
        usage = pb.Usage(
            input_tokens=counts["input_tokens"],
            cached_tokens=counts["cached_input_tokens"],
            output_tokens=counts["output_tokens"],
            reasoning_tokens=counts["reasoning_output_tokens"],
        )
    return (await proxy.stub.CloseSession(pb.CloseSessionRequest(session_id="run-1", agent_usage=usage))).session


def counted(session: pb.Session, *numbers: int) -> None:
    """The session's usage is the sum of these calls'."""
    counts = [used(number) for number in numbers]
    assert session.usage.input_tokens == sum(count["input_tokens"] for count in counts)
    assert session.usage.cached_tokens == sum(count["input_tokens_details"]["cached_tokens"] for count in counts)
    assert session.usage.output_tokens == sum(count["output_tokens"] for count in counts)
    assert session.usage.reasoning_tokens == sum(count["output_tokens_details"]["reasoning_tokens"] for count in counts)


async def test_thirty_turns(proxy: Proxy, scene: Callable[..., Any]) -> None:
    last = say("Done.", usage=used(30))
    async with scene([*(turn(number) for number in range(30)), last]) as opened:
        session = await closed(proxy, await opened.run())
        assert (session.calls, session.calls_succeeded, list(session.alarms)) == (31, 31, [])
        counted(session, *range(31))
        calls = await proxy.calls()
        assert [call.usage.input_tokens for call in calls] == [1000 + number for number in range(31)]
        assert b"token=." in calls[-1].request


@pytest.mark.parametrize(
    ("failures", "error_says"),
    [
        ([half()], "openai broke off its answer"),
        ([half(), half()], "openai broke off its answer"),
        ([error(429, "slow down", headers={"retry-after": "1"})], "openai answered 429: error: slow down"),
        ([error(500, "oops"), error(503, "busy"), error(500, "oops")], "openai answered 500: error: oops"),
    ],
    ids=["dies once", "dies twice", "429", "500s"],
)
async def test_what_is_made_good_by_another_attempt(
    proxy: Proxy, scene: Callable[..., Any], failures: list[Answer], error_says: str
) -> None:
    async with scene([turn(1), *failures, turn(2), say("Done.", usage=used(3))]) as opened:
        session = await closed(proxy, await opened.run())
        assert (session.calls, session.calls_succeeded) == (3 + len(failures), 3)
        assert (session.upstream_failure, list(session.alarms)) == ("", [])
        counted(session, 1, 2, 3)
        failed = (await proxy.calls())[1]
        assert failed.error.startswith(error_says)
        assert failed.usage == pb.Usage(cost_usd=0)
        if "broke off" in error_says:
            assert b"The first half" in failed.response


async def test_a_server_that_always_dies_ends_codex_and_is_named(proxy: Proxy, scene: Callable[..., Any]) -> None:
    async with scene(lambda _: half()) as opened:
        last = await opened.run(code=1)
        assert last["type"] == "turn.failed"
        session = await closed(proxy)
        assert (session.calls, session.calls_succeeded) == (3, 0)  # the first and two more
        assert session.upstream_failure.startswith("openai broke off its answer: ")
        assert list(session.alarms) == []


async def test_a_killed_client_leaves_its_half_answer_and_is_charged_for_it(
    proxy: Proxy, scene: Callable[..., Any]
) -> None:
    async with scene([turn(1), say("Never whole", hold=asyncio.Event())], tokens=3000) as opened:
        process = await opened.start()
        await opened.asked(2)
        process.send_signal(signal.SIGKILL)
        await opened.ended(process)
        cut = (await proxy.recorded(2))[1]
        assert (cut.status, cut.error) == (200, "Client disconnected.")
        assert b"response.created" in cut.response
        assert opened.upstream.requests
        refused = await proxy.ask(opened.token, {"model": MODEL, "input": "hi"})
        assert refused.error["code"] == "oneshot_budget_exceeded"
        await proxy.recorded(3)
        session = await closed(proxy)
        assert (session.calls, session.calls_succeeded, session.upstream_failure) == (3, 1, "")
        counted(session, 1)  # what was estimated is charged, and no usage
        assert "of them estimated" in session.stopped_by


async def test_a_client_that_leaves_comes_back(proxy: Proxy, scene: Callable[..., Any]) -> None:
    script = [turn(1), say("Never whole", hold=asyncio.Event()), turn(2), say("Done.", usage=used(3))]
    async with scene(script) as opened:
        process = await opened.start()
        await opened.asked(2)
        process.send_signal(signal.SIGKILL)
        await opened.ended(process)
        back = await opened.start("resume", "--last", "Go on.")
        assert (await opened.ended(back))[-1]["type"] == "turn.completed"
        session = await closed(proxy)
        assert (session.calls, session.calls_succeeded, session.upstream_failure) == (4, 3, "")
        counted(session, 1, 2, 3)
        assert b"turn-1" in (await proxy.calls())[2].request, "the conversation goes on where it was"

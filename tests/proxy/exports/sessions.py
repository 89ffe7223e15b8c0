"""Sessions of the real Codex, recorded through the real gateway from a scripted model, and their exports."""

import asyncio
import gc
import json
import os
import tempfile
import warnings
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

from fakes.codex import CODEX, at_gateway
from fakes.model_server import USAGE, Answer, ModelServer, Seen, call, error, event, items, message, say
from oneshot_proxy.exports import atif, raw, rollout
from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_proxy.store import Store
from proxy import harness
from proxy.exports.builders import pieces

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import mitmproxy.tools.dump  # noqa: F401

REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "I look first."}],
    "encrypted_content": "c2VjcmV0",
}


def tool(name: str, arguments: dict[str, Any], call_id: str, **fields: object) -> dict[str, Any]:
    """A function call item."""
    item = {"type": "function_call", "id": f"fc_{call_id}", "name": name, "call_id": call_id, "status": "completed"}
    return item | {"arguments": json.dumps(arguments)} | fields


@dataclass
class Recorded:
    """What the store held at the end, and what Codex wrote."""

    session: SessionRecord
    calls: list[CallRecord]
    said: str
    rollouts: list[list[dict[str, Any]]]

    async def atif(self) -> tuple[dict[str, Any], list[str]]:
        document, losses = await pieces(atif.export, self.calls, self.session)
        return json.loads(document), losses

    async def rollout(self) -> tuple[list[dict[str, Any]], list[str]]:
        document, losses = await pieces(rollout.export, self.calls, self.session)
        return [json.loads(line) for line in document.splitlines()], losses

    async def raw(self) -> list[bytes]:
        document, losses = await pieces(raw.export, self.calls, self.session)
        assert losses == []
        return document.splitlines(keepends=True)


async def _record(
    answers: Iterable[Answer] | Callable[[Seen], Answer], *flags: str, model: str = "gpt-5.5", tokens: int = 0
) -> Recorded:
    with tempfile.TemporaryDirectory(prefix="osb-") as made:
        folder = Path(made)
        answer = answers if callable(answers) else list(answers)
        async with harness.proxy(folder / "data") as proxy, ModelServer(answer) as upstream:
            await proxy.keys(upstream.base_url)
            token = await proxy.open(model=model, limits={"tokens": tokens})
            said = await _codex(proxy, token, folder, ("-m", model, *flags))
            await proxy.close()
        store = Store(folder / "data" / "state" / "proxy.sqlite")
        session = await store.session("run-1")
        calls = [each async for each in store.calls("run-1")]
        await store.close()
        logs = [path.read_text().splitlines() for path in sorted(folder.glob("home/sessions/*/*/*/*.jsonl"))]
        assert session
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # the gateway drops a connection that Codex left open
            gc.collect()
        return Recorded(session, calls, said, [[json.loads(line) for line in log] for log in logs])


async def _codex(proxy: harness.Proxy, token: str, folder: Path, flags: tuple[str, ...]) -> str:
    home, work = folder / "home", folder / "work"
    home.mkdir()
    work.mkdir()
    (home / "config.toml").write_text(at_gateway(proxy.port))
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home), "ONESHOT_RUN_KEY": token}
    process = await asyncio.create_subprocess_exec(
        *(CODEX, "exec", "--json", "--skip-git-repo-check", "-s", "workspace-write", *flags),
        *("-C", work, "Write out.txt."),
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return said.decode()


def _once(scene: Callable[[], Awaitable[Recorded]]) -> Callable[[], Awaitable[Recorded]]:
    """Recorded when the first test of a worker asks for it."""
    kept: list[Recorded] = []

    @wraps(scene)
    async def recorded() -> Recorded:
        if not kept:
            kept.append(await scene())
        return kept[0]

    return recorded


def _retries(count: int) -> tuple[str, ...]:
    names = ("request_max_retries", "stream_max_retries")
    return tuple(word for name in names for word in ("-c", f"model_providers.oneshot.{name}={count}"))


LOOK = items(REASONING, tool("exec_command", {"cmd": "echo seen; exit 3"}, "call_1"))
WRITE = call("exec_command", {"cmd": "printf 'hello world' > out.txt"}, "call_2")


@_once
async def plain() -> Recorded:
    """Reasoning and a command that fails, a command without output, the last word."""
    return await _record([LOOK, WRITE, say("Written.")])


@_once
async def subagent() -> Recorded:
    """A sub-agent is started and waited for."""

    def answer(seen: Seen) -> Answer:
        text = json.dumps(seen.json["input"])
        if "SUBTASK" in text and "call_1" not in text:
            return say("I counted 3 files.", delay=0.2)
        name = {"namespace": "multi_agent_v1"}
        if "call_1" not in text:
            return items(tool("spawn_agent", {"message": "SUBTASK: count files"}, "call_1", **name))
        if "call_2" not in text:
            (started,) = [
                item["output"] for item in seen.json["input"] if item.get("call_id") == "call_1" and "output" in item
            ]
            wait = {"targets": [json.loads(started)["agent_id"]], "timeout_ms": 10000}
            return items(tool("wait_agent", wait, "call_2", **name))
        return say("All done.")

    return await _record(answer, model="mock")


@_once
async def compacted() -> Recorded:
    """Two commands, then Codex replaces its history by a summary and goes on."""

    def usage(tokens: int) -> dict[str, Any]:
        return USAGE | {"input_tokens": tokens, "total_tokens": tokens + 50}

    answers = [
        call("exec_command", {"cmd": "echo 1"}, "call_1", usage=usage(2000)),
        call("exec_command", {"cmd": "echo 2"}, "call_2", usage=usage(4000)),
        say("SUMMARY: two numbers were printed."),
        call("exec_command", {"cmd": "echo 3"}, "call_3"),
        say("All done."),
    ]
    return await _record(answers, "-c", "model_auto_compact_token_limit=3500")


@_once
async def repeated() -> Recorded:
    """The first request fails once; the second answer breaks off once, after its text."""
    begun = items(message("Half an ans"), tool("exec_command", {"cmd": "echo never"}, "call_9"))
    answers = [
        error(500, "the server is tired"),
        LOOK,
        Answer([*begun.chunks[:3]], cut=True),
        WRITE,
        say("Written."),
    ]
    return await _record(answers, *_retries(2))


@_once
async def cut() -> Recorded:
    """The second answer breaks off and is never asked for again."""
    half = event("response.output_item.done", output_index=0, item=message("Half an answer"))
    return await _record([LOOK, Answer([event("response.created", response={"id": "resp_2"}), half], cut=True)])


@_once
async def stopped() -> Recorded:
    """The second call is refused: the token limit is reached."""
    return await _record([LOOK], tokens=1000)


SCENES = (plain, subagent, compacted, repeated, cut, stopped)

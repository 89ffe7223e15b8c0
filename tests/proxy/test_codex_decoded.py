"""What the real Codex sends with each of its tool surfaces is understood whole."""

import asyncio
import os
from pathlib import Path

import pytest

from fakes.codex import CODEX, at_gateway
from fakes.model_server import Answer, ModelServer, Seen, call, items, say
from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot_proxy import protocols
from proxy.harness import Proxy
from proxy.protocols.examples import record

SEARCH = {"type": "tool_search_call", "call_id": "s1", "execution": "client", "status": "completed"}


def script(seen: Seen) -> Answer:
    """Searches for tools where they are deferred, else runs a command, then ends."""
    said = [item for item in seen.json["input"] if item.get("type", "").endswith("_call")]
    if said:
        return say("Done.")
    if any(tool.get("type") == "tool_search" for tool in seen.json.get("tools", [])):
        return items(SEARCH | {"arguments": {"query": "spawn agent"}})
    return call("exec_command", {"cmd": "echo hi"})


async def run(proxy: Proxy, token: str, model: str, folder: Path) -> list[pb.Call]:
    home = folder / "home"
    home.mkdir()
    (home / "config.toml").write_text(at_gateway(proxy.port).replace('"gpt-5.5"', f'"{model}"'))
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home), "ONESHOT_RUN_KEY": token}
    command = (CODEX, "exec", "--json", "--skip-git-repo-check", "-s", "read-only", "-C", folder, "Go.")
    process = await asyncio.create_subprocess_exec(
        *command, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, out
    return await proxy.recorded(2)


@pytest.mark.parametrize(
    ("model", "kinds"),
    [
        ("mock", ["tool_call", "tool_result"]),
        ("gpt-5.5", ["tool_call", "tools"]),
        ("gpt-6-sol", ["tool_call", "tool_result"]),
    ],
)
async def test_every_tool_surface(proxy: Proxy, tmp_path: Path, model: str, kinds: list[str]) -> None:
    async with ModelServer(script) as server:
        await proxy.keys(server.base_url)
        token = await proxy.open(model=model)
        calls = await run(proxy, token, model, tmp_path)
    session = await proxy.session()
    assert (session.calls, session.calls_succeeded, session.calls_decoded) == (2, 2, 2)
    assert [list(call.undecoded) for call in calls] == [[], []]
    decoded = protocols.decode(record("/v1/responses", calls[1].request, calls[1].response))
    assert decoded
    assert [item.kind for item in decoded.input if item.call_id] == kinds
    assert _names(decoded.definitions)
    assert [item.text for item in decoded.output] == ["Done."]
    assert any(item.kind == "tools" for item in decoded.input) is (model != "mock")
    headers = dict(calls[0].request_headers)
    assert headers["thread-id"]
    assert headers["x-codex-turn-metadata"]
    assert not {"authorization", "cookie"} & set(headers)
    assert token not in str(headers)
    assert 0 < calls[0].first_token_seconds <= calls[0].last_token_seconds <= calls[0].seconds


def _names(definitions: tuple[dict[str, object], ...]) -> list[object]:
    return [tool.get("name", tool.get("type")) for tool in definitions]

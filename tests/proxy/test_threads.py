"""Threads and retries, by what the real Codex says of them."""

import asyncio
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fakes.codex import CODEX, at_gateway
from fakes.model_server import Answer, ModelServer, Seen, items, say
from oneshot_proxy.records import CallRecord
from oneshot_proxy.threads import Retries, Thread, thread_of
from proxy.protocols.examples import BASE

META = {
    "session_id": "t1",
    "thread_id": "t2",
    "turn_id": "u1",
    "request_kind": "turn",
    "parent_thread_id": "t1",
    "subagent_kind": "thread_spawn",
    "workspaces": {"/work": {"latest_git_commit_hash": "abc"}},
}
THREAD = Thread("t2", "t1", "thread_spawn", "u1", "turn", "/work")


def said(headers: dict[str, str], body: object = None) -> Thread:
    return thread_of(replace(BASE, request_headers=tuple(headers.items()), request=json.dumps(body or {}).encode()))


def test_headers_say_it() -> None:
    assert said({"thread-id": "t2", "x-codex-turn-metadata": json.dumps(META)}) == THREAD
    bare = {"session-id": "t1", "thread-id": "t2", "x-codex-parent-thread-id": "t1", "x-openai-subagent": "review"}
    assert said(bare) == Thread("t2", "t1", "review")


def test_the_body_says_it_too() -> None:
    assert said({}, {"client_metadata": {"thread_id": "t2", "x-codex-turn-metadata": json.dumps(META)}}) == THREAD


def test_nothing_says_it() -> None:
    assert said({}) == Thread()
    assert said({"thread-id": "t", "x-codex-turn-metadata": "{"}) == Thread("t")


@given(st.binary(), st.dictionaries(st.sampled_from(["thread-id", "x-codex-turn-metadata"]), st.text()))
def test_anything_may_be_said(body: bytes, headers: dict[str, str]) -> None:
    thread_of(replace(BASE, request=body, request_headers=tuple(headers.items())))


def test_retries_are_counted() -> None:
    retries = Retries()
    failed, other = replace(BASE, status=500), replace(BASE, request=b"{1}")
    asked = [failed, replace(BASE, error="cut"), other, BASE, BASE, replace(failed, request_line="POST /x"), failed]
    assert [retries.before(record) for record in asked] == [0, 1, 0, 2, 0, 0, 0]


def _record(seen: Seen) -> CallRecord:
    return replace(BASE, request=seen.body, request_headers=tuple(seen.headers.items()))


async def test_real_codex_and_its_sub_agent(tmp_path: Path) -> None:
    """The scripted model spawns a sub-agent, waits for it and ends."""

    def script(seen: Seen) -> Answer:
        if thread_of(_record(seen)).parent:
            return say("sub-agent's words")
        outputs = [item["output"] for item in seen.json["input"] if item["type"] == "function_call_output"]
        if not outputs:
            return tool("spawn_agent", {"message": "say hi"})
        if len(outputs) == 1:
            return tool("wait_agent", {"targets": [json.loads(outputs[0])["agent_id"]], "timeout_ms": 20_000})
        return say("Done.")

    def tool(name: str, arguments: dict[str, Any]) -> Answer:
        ask = {"type": "function_call", "id": name, "call_id": name, "name": name, "namespace": "multi_agent_v1"}
        return items(ask | {"arguments": json.dumps(arguments), "status": "completed"})

    home = tmp_path / "home"
    home.mkdir()
    async with ModelServer(script) as server:
        port = int(server.base_url.split(":")[2].partition("/")[0])
        # a model that Codex does not know is shown all tools
        (home / "config.toml").write_text(at_gateway(port).replace('"gpt-5.5"', '"mock"'))
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home), "ONESHOT_RUN_KEY": "none"}
        command = (CODEX, "exec", "--json", "--skip-git-repo-check", "-s", "read-only", "-C", tmp_path, "Spawn.")
        process = await asyncio.create_subprocess_exec(
            *command, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, out
    threads = [thread_of(_record(seen)) for seen in server.requests]
    mains = [thread for thread in threads if not thread.parent]
    subs = [thread for thread in threads if thread.parent]
    assert len({thread.id for thread in mains}) == len({thread.id for thread in subs}) == 1
    assert subs[0].parent == mains[0].id != subs[0].id
    assert (mains[0].kind, subs[0].kind, mains[0].request_kind) == ("", "thread_spawn", "turn")
    assert json.loads(out.splitlines()[0])["thread_id"] == mains[0].id
    assert all(thread.turn for thread in threads)
    assert (len(mains), len(subs)) == (3, 1), out

"""The real Codex CLI against a replayed cassette, through the gateway."""

import asyncio
import json
import os
from pathlib import Path

from fakes.codex import CODEX, MODEL, at_gateway
from proxy.harness import Proxy
from proxy.test_cassette import lines

HEADER = {"format": "oneshot-cassette/1", "wire_api": "responses", "model": MODEL}
USAGE = {"input_tokens": 1000, "output_tokens": 10}
WRITE = {
    "output": [
        {"type": "reasoning", "summary": [], "encrypted_content": "abc"},
        {
            "type": "function_call",
            "name": "exec_command",
            "call_id": "call_1",
            "arguments": json.dumps({"cmd": "printf 'hello world' > out.txt; echo token=$ONESHOT_RUN_KEY."}),
        },
    ],
    "usage": USAGE,
}
DONE = {"output": [{"type": "message", "content": [{"type": "output_text", "text": "Written."}]}], "usage": USAGE}


async def codex(proxy: Proxy, token: str, home: Path, work: Path) -> tuple[int, str]:
    home.mkdir()
    work.mkdir()
    (home / "config.toml").write_text(at_gateway(proxy.port))
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home), "ONESHOT_RUN_KEY": token}
    command = (CODEX, "exec", "--json", "--skip-git-repo-check", "-s", "workspace-write", "-C", work, "Write out.txt.")
    process = await asyncio.create_subprocess_exec(
        *command,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode or 0, said.decode()


async def test_a_replayed_conversation_ends_well(proxy: Proxy, tmp_path: Path) -> None:
    token = await proxy.open(model=MODEL, cassette=lines(HEADER, WRITE, DONE))
    code, said = await codex(proxy, token, tmp_path / "home", tmp_path / "work")
    assert code == 0, said
    assert "Written." in said
    assert (tmp_path / "work" / "out.txt").read_text() == "hello world"
    session = await proxy.close()
    assert (session.calls, session.calls_succeeded, session.usage.input_tokens) == (2, 2, 2000)
    assert (session.stopped_by, session.upstream_failure) == ("", "")
    calls = await proxy.calls()
    assert [call.request_line for call in calls] == ["POST /v1/responses"] * 2
    assert b"token=." in calls[1].request


async def test_over_budget_codex_stops_at_once(proxy: Proxy, tmp_path: Path) -> None:
    token = await proxy.open(model=MODEL, cassette=lines(HEADER, WRITE, DONE), limits={"tokens": 1000})
    code, said = await codex(proxy, token, tmp_path / "home", tmp_path / "work")
    assert code == 1
    assert "token limit 1000 reached (1010)" in said
    session = await proxy.close()
    assert (session.stopped_by, session.calls) == ("token limit 1000 reached (1010)", 2)

"""The program itself, as the embedded stack starts it."""

import asyncio
import json
import os
import sys
from pathlib import Path

from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2_grpc
from oneshot_shared import client
from proxy.harness import CANARY


def environment(tmp_path: Path, **settings: str) -> dict[str, str]:
    (tmp_path / "token").write_text("caller-token\n")
    fixed = {
        "LISTEN": f"unix:{tmp_path}/p",
        "TOKEN_FILE": f"{tmp_path}/token",
        "DATA": f"{tmp_path}/data",
        "EXIT_ON_STDIN_EOF": "1",
    }
    return os.environ | {f"ONESHOT_PROXY_{name}": value for name, value in (fixed | settings).items()}


async def started(env: dict[str, str]) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-c", "from oneshot_proxy.main import main; main()")
    return await asyncio.create_subprocess_exec(*command, env=env, stdin=pipe, stdout=pipe, stderr=pipe)


async def test_it_serves_until_its_standard_input_ends(tmp_path: Path) -> None:
    process = await started(environment(tmp_path, GATEWAY_SOCKET=f"{tmp_path}/g"))
    assert process.stderr is not None
    first = json.loads(await process.stderr.readline())
    assert (first["event"], first["service"]) == ("serving", "proxy")
    async with client.channel(f"unix:{tmp_path}/p", "caller-token") as channel:
        stub = proxy_pb2_grpc.ProxyServiceStub(channel)
        await stub.PutKeys(pb.PutKeysRequest(variables={"OPENAI_API_KEY": CANARY}))
        await stub.OpenSession(pb.OpenSessionRequest(session_id="run-1", model="gpt-5", provider="openai"))
    assert (tmp_path / "g").exists()
    _, said = await process.communicate()
    assert process.returncode == 0
    assert not (tmp_path / "g").exists()
    assert CANARY.encode() not in said + b"".join(f.read_bytes() for f in tmp_path.rglob("*") if f.is_file())


async def test_an_unknown_setting_is_one_sentence(tmp_path: Path) -> None:
    process = await started(environment(tmp_path, GATEWAY_PRT="1"))
    _, said = await process.communicate()
    assert process.returncode == 2
    assert "did you mean 'ONESHOT_PROXY_GATEWAY_PORT'" in json.loads(said)["event"]

"""kill -9 during parallel streams: what had ended is in the store, and the next start says what was cut."""

import asyncio
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from fakes.model_server import Answer, ModelServer, Seen, event, say
from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2_grpc
from oneshot_shared import client
from proxy.harness import CANARY, MODEL, Proxy
from proxy.test_main import environment, started

STREAMS, FINISHED = 16, 12


class Elsewhere(Proxy):
    """A proxy that is a process of its own."""

    def __init__(self, stub: Any, port: int) -> None:
        self.stub, self.port = stub, port
        self._opened = []


def answer(seen: Seen) -> Answer:
    """Half a stream, and nothing more, for those that say so."""
    if "held" in seen.json["input"]:
        first = event("response.created", response={"id": "resp_1", "output": []})
        return Answer([first, event("response.completed", response={})], hold=asyncio.Event())
    return say(f"An answer to {seen.json['input']}")


def body(words: str) -> dict[str, Any]:
    return {"model": MODEL, "input": words, "stream": True, "instructions": "x" * 5000}


async def said(process: asyncio.subprocess.Process, event: str) -> dict[str, Any]:
    """The next line of the log with this event."""
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while (line := json.loads(await process.stderr.readline()))["event"] != event:
            pass
    return line


async def killed(tmp_path: Path, base_url: str) -> list[bytes]:
    """Twelve calls that end and sixteen that do not; the answers of the first."""
    process = await started(environment(tmp_path))
    await said(process, "serving")
    async with client.channel(f"unix:{tmp_path}/p", "caller-token") as channel:
        stub = proxy_pb2_grpc.ProxyServiceStub(channel)
        await stub.PutKeys(pb.PutKeysRequest(variables={"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": base_url}))
        asked = pb.OpenSessionRequest(session_id="run-1", model=MODEL, provider="openai")
        opened = await stub.OpenSession(asked)
        proxy = Elsewhere(stub, opened.gateway_port)
        replies = await asyncio.gather(*(proxy.ask(opened.token, body(f"done {n}")) for n in range(FINISHED)))
        await proxy.recorded(FINISHED)
        held = [await proxy.stream(opened.token, body(f"held {n}")) for n in range(STREAMS)]
        await asyncio.gather(*(stream.chunk() for stream in held))
        await proxy.calls()  # that a call has begun is written behind its back: this waits for it
        os.kill(process.pid, signal.SIGKILL)
        for stream in held:
            stream.close()
    await process.communicate()
    return [reply.body for reply in replies]


async def test_what_had_ended_is_kept_and_what_had_not_is_said(tmp_path: Path) -> None:
    async with ModelServer(answer) as server:
        answers = await killed(tmp_path, server.base_url)
    before = time.time()
    process = await started(environment(tmp_path))
    first = await said(process, "calls were cut when the proxy was killed")
    assert (first["calls"], first["sessions"]) == (STREAMS, 1)
    await said(process, "serving")
    async with client.channel(f"unix:{tmp_path}/p", "caller-token") as channel:
        stub = proxy_pb2_grpc.ProxyServiceStub(channel)
        proxy = Elsewhere(stub, 0)
        session = await proxy.session()
        calls = await proxy.calls()
        verified = await stub.VerifySession(pb.VerifySessionRequest(session_id="run-1"))
    await process.communicate()
    assert not session.open
    assert list(session.alarms) == [f"{STREAMS} calls were cut when the proxy was killed"]
    assert session.upstream_failure == "the proxy was restarted while this session was open"
    assert session.calls == len(calls) == STREAMS + FINISHED
    ended, cut = calls[:FINISHED], calls[FINISHED:]
    assert sorted(call.response for call in ended) == sorted(answers)
    assert {call.status for call in ended} == {200}
    assert {(call.status, call.error, call.response) for call in cut} == {
        (0, "cut: the proxy was killed while this call was in flight", b"")
    }
    assert sorted(json.loads(call.request)["input"] for call in cut) == sorted(f"held {n}" for n in range(STREAMS))
    assert all(call.started_at < before for call in cut)
    assert sorted(call.request for call in calls) == sorted(seen.body for seen in server.requests)
    assert (verified.calls, list(verified.damaged)) == (STREAMS + FINISHED, [])
    assert CANARY.encode() not in b"".join(f.read_bytes() for f in tmp_path.rglob("*") if f.is_file())

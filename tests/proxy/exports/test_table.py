"""The formats, and ExportTrace over a real channel."""

import hashlib
import json

import pytest

from fakes.model_server import ModelServer, items, say
from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot_proxy.exports.table import EXPORTERS
from oneshot_shared.errors import BadInput
from proxy.exports import tasks
from proxy.exports.tasks import TASK
from proxy.harness import MODEL, Proxy


async def export(proxy: Proxy, number: int, session_id: str = "run-1") -> tuple[bytes, pb.ExportTraceResponse]:
    document, last = b"", pb.ExportTraceResponse()
    request = pb.ExportTraceRequest(session_id=session_id, format=number)  # type: ignore[arg-type]
    async for last in proxy.stub.ExportTrace(request):
        document += last.chunk
    return document, last


@pytest.mark.parametrize("number", EXPORTERS)
async def test_every_format_comes_with_its_checksum_and_says_that_the_session_is_open(
    proxy: Proxy, number: int
) -> None:
    async with ModelServer([say("a")]) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        await proxy.ask(token, {"model": MODEL, "stream": True, "input": "x" * 3_000_000})
    await proxy.recorded(1)
    document, last = await export(proxy, number)
    assert last.sha256 == hashlib.sha256(document).hexdigest()
    assert "what is said from now on: the session is still open" in last.losses
    await proxy.close()
    _, last = await export(proxy, number)
    assert "what is said from now on: the session is still open" not in last.losses
    assert (
        [json.loads(line) for line in document.splitlines()] if number != pb.TRACE_FORMAT_ATIF else json.loads(document)
    )


def test_every_format_of_the_contract_is_there() -> None:
    assert set(EXPORTERS) == set(pb.TraceFormat.values()) - {pb.TRACE_FORMAT_UNSPECIFIED}


async def test_what_is_not_there(proxy: Proxy) -> None:
    with pytest.raises(FileNotFoundError, match="no session 'none'"):
        await export(proxy, pb.TRACE_FORMAT_RAW, "none")
    await proxy.keys("http://127.0.0.1:9/v1")
    await proxy.open()
    with pytest.raises(BadInput, match="there is no trace format 0; known: TRACE_FORMAT_ATIF"):
        await export(proxy, 0)


async def test_a_part_is_exported_in_every_format_but_raw(proxy: Proxy) -> None:
    output = {"type": "function_call_output", "call_id": "start", "output": f"Task {TASK} is started."}
    start, one = tasks.ours("plain", "start_task", "start"), tasks.shell("plain", "ls", "one")
    asked = {"model": MODEL, "stream": True, "input": [{"role": "user", "content": "Do it."}]}
    async with ModelServer([items(start), items(one)]) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        await proxy.ask(token, asked)
        asked["input"] += [start, output]  # type: ignore[operator]
        await proxy.ask(token, asked)
        await proxy.recorded(2)
    await proxy.close()
    atif, losses = await tasks.export(proxy, pb.TRACE_FORMAT_ATIF)
    assert json.loads(atif)["extra"]["not_carried"] == losses
    assert [step["message"] for step in json.loads(atif)["steps"]] == ["Do it.", ""]
    rollout, _ = await tasks.export(proxy, pb.TRACE_FORMAT_ROLLOUT)
    assert b'"call_id": "one"' in rollout
    assert b"repo_start" not in rollout
    cassette, _ = await tasks.export(proxy, pb.TRACE_FORMAT_CASSETTE)
    assert "The work is done." in cassette.decode().splitlines()[-1]
    with pytest.raises(BadInput, match="choose another format, or leave the task out"):
        await tasks.export(proxy, pb.TRACE_FORMAT_RAW)
    with pytest.raises(BadInput, match="session 'run-1' holds no work on task 'other'"):
        await tasks.export(proxy, pb.TRACE_FORMAT_ATIF, task_id="other")
    with pytest.raises(BadInput, match="the slice names no task"):
        await tasks.export(proxy, pb.TRACE_FORMAT_ATIF, task_id="")

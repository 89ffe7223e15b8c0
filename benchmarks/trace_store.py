"""What a recorded session of the real Codex takes on disk, against `zstd -19 --long=27` of all its requests and responses.

`store_turns_30` and `store_turns_200` (`--repeat N`: sessions of N turns, and of a sixth of that): a session through the gateway of
a proxy of its own. Value: the bytes of the store's files after it was closed, headers, timings and indexes included. Floor: the
concatenation of what the scripted model received and sent, in order, compressed at level 19 with a window of 128 MiB; it holds no
headers and no timings. `store_growth`: bytes of the second half of the turns (value) over those of the first (floor), from the
store's size after half of the calls. `store_memory`: peak memory of a process that has stored 10,000 calls (value) over that of one
that has stored 1,000 (floor), in one session; `store_memory_sessions`: the same with a session for each call.

It refuses to measure where a recorded body is not, byte for byte, what the model received or sent.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import zstandard

import codex_turns
import measure
from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2_grpc
from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_proxy.store import Store
from oneshot_proxy.usage import Usage
from oneshot_shared import client
from oneshot_shared.errors import NotReady

TURNS = 200
_CALLS_A_TURN = 50
_BATCH = 50
_COMPACTED = 60  # turns after which a conversation starts anew
_STORE = Path("state") / "proxy.sqlite"


async def measured(turns: int) -> list[measure.Measurement]:
    """All of them. :raises NotReady: the proxy or Codex does not do as it should."""
    found = []
    with tempfile.TemporaryDirectory(prefix="osb-") as name:
        folder = Path(name)
        for count in (max(2, turns * 3 // 20), turns):
            (folder / str(count)).mkdir()
            model = await _recorded(folder / str(count), count)
            size = _size(folder / str(count))
            floor = _floor(model)
            found.append(measure.Measurement(f"store_turns_{count}", size, floor, count, "B"))
        found.append(await _growth(folder, turns))
    calls = turns * _CALLS_A_TURN
    for title, each in (("store_memory", calls), ("store_memory_sessions", 1)):
        many, few = _peak(calls, each), _peak(max(1, calls // 10), each)
        found.append(measure.Measurement(title, many, few, calls, "MB"))
    return found


async def _recorded(folder: Path, turns: int) -> codex_turns.Model:
    """A session recorded by a proxy of its own, whose data lie in the folder."""
    async with codex_turns.model(turns) as model, _proxy(folder) as stub:
        keys = {"OPENAI_API_KEY": "sk-benchmark-0123456789", "OPENAI_BASE_URL": model.base_url}
        await stub.PutKeys(pb.PutKeysRequest(variables=keys))
        asked = pb.OpenSessionRequest(session_id="bench", model=codex_turns.MODEL, provider="openai")
        opened = await stub.OpenSession(asked)
        await codex_turns.codex(opened.gateway_port, opened.token, folder, turns)
        await stub.CloseSession(pb.CloseSessionRequest(session_id="bench"))
    await _compared(folder, model)
    return model


@asynccontextmanager
async def _proxy(folder: Path) -> "AsyncIterator[proxy_pb2_grpc.ProxyServiceAsyncStub]":
    (folder / "token").write_text("caller-token")
    fixed = {
        "LISTEN": f"unix:{folder}/p",
        "TOKEN_FILE": f"{folder}/token",
        "DATA": str(folder),
        "EXIT_ON_STDIN_EOF": "1",
    }
    program = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("oneshot-proxy"),
        env=os.environ | {f"ONESHOT_PROXY_{key}": value for key, value in fixed.items()},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert program.stderr is not None
        said = b""
        while b'"serving"' not in said:  # on a busy machine, a line of another kind may come before
            if not (said := await program.stderr.readline()):
                raise NotReady("the proxy does not start; `oneshot-proxy` says why")
        async with client.channel(f"unix:{folder}/p", "caller-token") as opened:
            yield proxy_pb2_grpc.ProxyServiceStub(opened)
    finally:
        await program.communicate()


async def _compared(folder: Path, model: codex_turns.Model) -> None:
    store = Store(folder / _STORE)
    calls = [call async for call in store.calls("bench")]
    await store.close()
    if [call.request for call in calls] != model.requests or [call.response for call in calls] != model.answers:
        raise NotReady("what was recorded is not what the model received and sent; the store or the proxy is at fault")


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in (folder / _STORE).parent.glob(f"{_STORE.name}*"))


def _floor(model: codex_turns.Model) -> int:
    parameters = zstandard.ZstdCompressionParameters.from_level(19, window_log=27, enable_ldm=True)
    everything = b"".join(part for pair in zip(model.requests, model.answers, strict=True) for part in pair)
    return len(zstandard.ZstdCompressor(compression_params=parameters).compress(everything))


async def _growth(folder: Path, turns: int) -> measure.Measurement:
    """Two stretches of equally many turns, after the first tenth, which holds what every session begins with."""
    begin = turns // 10
    middle = (begin + turns) // 2
    sizes = [await _size_of_first(folder, turns, count) for count in (begin, middle, 2 * middle - begin)]
    return measure.Measurement("store_growth", sizes[2] - sizes[1], sizes[1] - sizes[0], middle - begin, "B")


async def _size_of_first(folder: Path, turns: int, count: int) -> int:
    """The size of a store that holds the first calls only."""
    recorded, part = Store(folder / str(turns) / _STORE), Store(folder / f"first-{count}" / _STORE)
    session = await recorded.session("bench")
    assert session is not None
    async for call in recorded.calls("bench"):
        if call.seq <= count:
            part.put(call)
            await part.flush()
    part.put(session)
    await part.close()
    await recorded.close()
    return _size(folder / f"first-{count}")


def _peak(calls: int, calls_a_session: int) -> float:
    """Peak memory in MB of a process of its own that stores so many calls."""
    code = f"import trace_store; trace_store.store({calls}, {calls_a_session})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotReady(f"a process that stores {calls} calls failed: {done.stderr.strip()[-300:]}")
    return float(done.stdout)


def store(calls: int, calls_a_session: int) -> None:
    """Store calls as an agent makes them, and print this process's peak memory in MB."""

    async def work() -> None:
        with tempfile.TemporaryDirectory(prefix="osb-") as folder:
            kept = Store(Path(folder) / _STORE)
            items: list[dict[str, Any]] = []
            for number in range(calls):
                session_id, seq = f"s{number // calls_a_session}", number % calls_a_session + 1
                items = items[:1] if len(items) > 2 * _COMPACTED else items
                items += [_item(number, "call"), _item(number, "output")]
                call = _call(session_id, seq, items)
                kept.begin(call)
                kept.put(call)
                kept.put(_session(session_id, seq, closed=seq == calls_a_session))
                if number % _BATCH == 0:
                    await kept.flush()
            await kept.close()

    asyncio.run(work())
    status = Path("/proc/self/status").read_text()  # getrusage would count what the parent had before it became this
    print(int(status.partition("VmHWM:")[2].split()[0]) / 1024)


def _item(number: int, kind: str) -> dict[str, Any]:
    return {"type": kind, "text": " ".join(f"{kind} {number * at % 9973}" for at in range(60))}


def _call(session_id: str, seq: int, items: list[dict[str, Any]]) -> CallRecord:
    body = {"model": "m", "instructions": "Do it well. " * 500, "input": items, "tools": [{"name": "exec_command"}]}
    request, response = json.dumps(body).encode(), json.dumps(items[-1] | {"seq": seq}).encode() * 10
    return CallRecord(
        session_id, seq, "POST /v1/responses", request, 200, "text/event-stream", response, 1.0, 0.1, 0.2, Usage(), ""
    )


def _session(session_id: str, calls: int, closed: bool) -> SessionRecord:
    return SessionRecord(
        session_id, "m", "openai", time.time(), 0.0, time.time() * closed, calls, calls, Usage(), "", ""
    )


if __name__ == "__main__":
    measure.main(__doc__, TURNS, measured)

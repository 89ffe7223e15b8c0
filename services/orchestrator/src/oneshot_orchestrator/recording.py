"""What stays in a run's folder of its recording: small however long the run was, and all that was said.

`session.json` is the session's record, `calls.jsonl` each call's status, times and tokens, `trajectory.json` the conversation in
ATIF. The calls' bodies, which repeat the conversation again and again, are the proxy's: `oneshot trace export RUN --format raw`.
"""

import json
from pathlib import Path

from google.protobuf.json_format import MessageToDict

from oneshot.proxy.v1 import proxy_pb2, proxy_pb2_grpc
from oneshot_shared import archive, logs
from oneshot_shared.errors import BadInput, sentence
from oneshot_shared.transfer import Incoming


async def keep(
    proxy: "proxy_pb2_grpc.ProxyServiceAsyncStub", run_id: str, record: proxy_pb2.Session, folder: Path
) -> None:
    """Write the three files. A trajectory that the proxy cannot make is said in the log, and does not spoil the run."""
    (folder / "session.json").write_text(json.dumps(_fields(record), indent=2))
    with (folder / "calls.jsonl").open("w", encoding="utf-8") as file:
        seq = 0
        async for message in proxy.StreamCalls(proxy_pb2.StreamCallsRequest(session_id=run_id)):
            if message.call.seq == seq:
                continue  # a further piece of its bodies
            seq = message.call.seq
            message.call.ClearField("request")
            message.call.ClearField("response")
            file.write(json.dumps(_fields(message.call), ensure_ascii=False) + "\n")
    try:
        await _trajectory(proxy, run_id, folder / "trajectory.json")
    except (RuntimeError, BadInput) as error:
        logs.get().error("no trajectory", run_id=run_id, error=sentence(error))


async def _trajectory(proxy: "proxy_pb2_grpc.ProxyServiceAsyncStub", session_id: str, path: Path) -> None:
    request = proxy_pb2.ExportTraceRequest(session_id=session_id, format=proxy_pb2.TRACE_FORMAT_ATIF)
    place = path.with_suffix(".part")
    try:
        with Incoming(archive.Caps().bytes, place.open("w+b")) as incoming:
            async for message in proxy.ExportTrace(request):
                incoming.take(message.chunk, message.sha256)
            incoming.whole()
        place.rename(path)
    finally:
        place.unlink(missing_ok=True)


def _fields(message: proxy_pb2.Session | proxy_pb2.Call) -> dict[str, object]:
    found: dict[str, object] = MessageToDict(message, preserving_proto_field_name=True)
    return found

"""What stays in a run's folder of its recording: small however long the run was, and all that was said.

`session.json` is the session's record, `calls.jsonl` each call's status, times and tokens, `trajectory.json` the conversation in
ATIF. The calls' bodies, which repeat the conversation again and again, are the proxy's: `oneshot trace export RUN --format raw`.
"""

import json
from pathlib import Path

from google.protobuf.json_format import MessageToDict

from oneshot.proxy.v1 import proxy_pb2, proxy_pb2_grpc
from oneshot_shared import archive, logs
from oneshot_shared.errors import sentence
from oneshot_shared.transfer import Incoming


async def keep(
    proxy: "proxy_pb2_grpc.ProxyServiceAsyncStub", run_id: str, record: proxy_pb2.Session, folder: Path
) -> list[str]:
    """Write the three files. What the proxy could not give is a note: a verdict does not depend on a copy."""
    notes: list[str] = []
    (folder / "session.json").write_text(json.dumps(_fields(record), indent=2))
    for name, copy in (("calls.jsonl", _calls), ("trajectory.json", _trajectory)):
        try:
            await copy(proxy, run_id, folder / name)
        except Exception as error:  # noqa: BLE001 -- whatever a proxy that was killed meanwhile leads to
            logs.get().error("a recording was not copied", run_id=run_id, file=name, error=sentence(error))
            notes.append(f"trace/{name} is not whole: {sentence(error)}; `oneshot trace export {run_id}` tries again")
    return notes


async def _calls(proxy: "proxy_pb2_grpc.ProxyServiceAsyncStub", session_id: str, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        seq = 0
        async for message in proxy.StreamCalls(proxy_pb2.StreamCallsRequest(session_id=session_id)):
            if message.call.seq == seq:
                continue  # a further piece of its bodies
            seq = message.call.seq
            message.call.ClearField("request")
            message.call.ClearField("response")
            file.write(json.dumps(_fields(message.call), ensure_ascii=False) + "\n")


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

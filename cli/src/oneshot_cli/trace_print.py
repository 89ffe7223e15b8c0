"""What `oneshot trace show` prints: to a terminal in its width and in colours, elsewhere as plain text."""

import io
import json
import shutil
from typing import TYPE_CHECKING

from google.protobuf.json_format import MessageToDict

from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot_cli import trace_fetch, trace_rows, trace_show

if TYPE_CHECKING:
    from oneshot.proxy.v1.proxy_pb2_grpc import ProxyServiceAsyncStub

_WIDTH = 100


async def conversation(stub: "ProxyServiceAsyncStub", session: pb.Session, *, full: bool, as_json: bool) -> None:
    """The session and its conversation."""
    from rich.console import Console

    file = io.BytesIO()
    await trace_fetch.document(stub, session.session_id, pb.TRACE_FORMAT_ATIF, file)
    trajectory = json.loads(file.getvalue())
    if as_json:
        record = MessageToDict(session, preserving_proto_field_name=True)
        print(json.dumps({"session": record, "trajectory": trajectory}, ensure_ascii=False))
        return
    width = shutil.get_terminal_size((_WIDTH, 0)).columns
    console = Console(highlight=False, markup=False, emoji=False, width=width)
    for line in trace_show.view(session, trajectory, width=width, full=full):
        console.print(line, soft_wrap=True)


async def calls(stub: "ProxyServiceAsyncStub", session: pb.Session, *, as_json: bool) -> None:
    """The session's calls, a line each."""
    found = [each async for each in trace_fetch.calls(stub, session.session_id)]
    if as_json:
        for call, sent, got in found:
            sizes = {"request_bytes": sent, "response_bytes": got}
            print(json.dumps(MessageToDict(call, preserving_proto_field_name=True) | sizes, ensure_ascii=False))
    else:
        print("\n".join(trace_rows.calls(found)))

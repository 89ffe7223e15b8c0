"""What `oneshot trace show` prints: to a terminal in its width and in colours, elsewhere as plain text."""

import io
import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot_cli import json_out, trace_fetch, trace_rows, trace_show

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
        json_out.show({"session": json_out.fields(session), "trajectory": trajectory})
        return
    width = shutil.get_terminal_size((_WIDTH, 0)).columns

    class Quiet(Console):
        def on_broken_pipe(self) -> None:
            raise  # whoever reads has seen enough: that is told as of every other command

    console = Quiet(highlight=False, markup=False, emoji=False, width=width)
    for line in trace_show.view(session, trajectory, width=width, full=full):
        console.print(line, soft_wrap=True)


async def calls(stub: "ProxyServiceAsyncStub", session: pb.Session, *, as_json: bool) -> None:
    """The session's calls, a line each."""
    found = [each async for each in trace_fetch.calls(stub, session.session_id)]
    if as_json:
        json_out.show([_sized(*each) for each in found])
    else:
        print("\n".join(trace_rows.fitted(trace_rows.calls(found), sys.stdout)))


def _sized(call: pb.Call, sent: int, got: int) -> dict[str, Any]:
    """A call's fields, with the sizes of its bodies in the place of the bodies."""
    fields = {name: value for name, value in json_out.fields(call).items() if name not in ("request", "response")}
    return fields | {"request_bytes": sent, "response_bytes": got}

"""What the trace commands ask of the proxy."""

import io
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2_grpc
from oneshot_cli import trace_fetch
from oneshot_shared.errors import BadInput
from orchestrator.test_session import served


class Proxy(proxy_pb2_grpc.ProxyServiceServicer):
    """Knows one session, whose document is damaged on its way."""

    async def GetSession(self, request: Any, context: Any) -> pb.GetSessionResponse:  # noqa: N802
        if request.session_id != "run-1":
            raise FileNotFoundError(f"there is no session {request.session_id!r}")
        return pb.GetSessionResponse(session=pb.Session(session_id="run-1"))

    async def ListSessions(self, request: Any, context: Any) -> pb.ListSessionsResponse:  # noqa: N802
        return pb.ListSessionsResponse(sessions=[pb.Session(session_id="run-1")])

    async def ExportTrace(self, request: Any, context: Any) -> AsyncIterator[pb.ExportTraceResponse]:  # noqa: N802
        yield pb.ExportTraceResponse(chunk=b"half")
        yield pb.ExportTraceResponse(sha256="0" * 64, losses=["a"])

    async def StreamCalls(self, request: Any, context: Any) -> AsyncIterator[pb.StreamCallsResponse]:  # noqa: N802
        for seq, body in ((1, b"abc"), (1, b"de"), (2, b"f")):
            yield pb.StreamCallsResponse(call=pb.Call(seq=seq, request=body, response=body + body))


async def test_an_unknown_session_is_told_the_nearest() -> None:
    async with served(Proxy()) as stub:  # type: ignore[arg-type]
        assert (await trace_fetch.session(stub, "run-1")).session_id == "run-1"
        with pytest.raises(FileNotFoundError, match=r"there is no session 'run-2'.*'run-1'.*`oneshot trace list`"):
            await trace_fetch.session(stub, "run-2")


async def test_a_document_that_did_not_come_whole_is_none() -> None:
    async with served(Proxy()) as stub:  # type: ignore[arg-type]
        with pytest.raises(ConnectionError, match="did not come whole"):
            await trace_fetch.document(stub, "run-1", pb.TRACE_FORMAT_RAW, io.BytesIO())


async def test_calls_with_their_sizes() -> None:
    async with served(Proxy()) as stub:  # type: ignore[arg-type]
        found = [(call.seq, call.request, sent, got) async for call, sent, got in trace_fetch.calls(stub, "run-1")]
    assert found == [(1, b"", 5, 10), (2, b"", 1, 2)]


def test_an_unknown_format_is_told_the_nearest() -> None:
    assert trace_fetch.format_number("atif") == pb.TRACE_FORMAT_ATIF
    with pytest.raises(BadInput, match=r"no trace format 'atiff'.*'atif'.*known: atif, rollout, cassette, raw"):
        trace_fetch.format_number("atiff")


def test_the_guide_says_what_each_format_never_carries_and_shows_every_command() -> None:
    guide = (Path(__file__).parents[2] / "guides" / "traces.md").read_text()
    rows = {row[1]: row for line in guide.splitlines() if len(row := line.split("|")) == 6}
    assert {f" `{name}` " for name in trace_fetch.FORMATS} < rows.keys()
    assert "never carries" in rows[" format "][4]
    for command in ("record --", "list", "show", "export", "verify", "prune"):
        assert f"$ oneshot trace {command}" in guide
    assert "oneshot/cassettes/NAME.jsonl" in guide
    assert "--replay 2026" in guide


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "trace.json"
    place.write_text("before")
    with pytest.raises(TypeError), trace_fetch.whole_file(place) as file:
        file.write("no bytes")  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["trace.json"]
    assert place.read_text() == "before"
    with trace_fetch.whole_file(place) as file:
        file.write(b"whole")
    assert place.read_text() == "whole"
    with (
        pytest.raises(BadInput, match=f"no folder '{tmp_path}/none' to write 'a'"),
        trace_fetch.whole_file(tmp_path / "none" / "a"),
    ):
        pass
    with pytest.raises(BadInput, match=f"'{tmp_path}' is a folder"), trace_fetch.whole_file(tmp_path):
        pass


def test_a_file_keeps_its_mode_and_a_new_one_has_the_usual_one(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with trace_fetch.whole_file(tmp_path / "new") as file:
            file.write(b"1")
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640
    (tmp_path / "new").chmod(0o600)
    with trace_fetch.whole_file(tmp_path / "new") as file:
        assert all(each.stat().st_mode & 0o777 == 0o600 for each in tmp_path.iterdir())
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "file")
    for content in (b"made through it", b"replaced through it"):
        with trace_fetch.whole_file(tmp_path / "link") as file:
            file.write(content)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "there" / "file").read_bytes() == content


def test_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with trace_fetch.whole_file(fifo) as file:
            file.write(b"through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(fifo.stat().st_mode)

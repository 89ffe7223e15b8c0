"""Slices of a session, asked of a proxy on the wire."""

from pathlib import Path
from typing import Any

import pytest

from capture import proxies
from capture.proxies import ATIF, CASSETTE, Scripted
from oneshot.capture.v1 import capture_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2, proxy_pb2_grpc
from oneshot_capture import exported
from oneshot_capture.exported import NotExported, Recorded
from oneshot_shared.client import channel

ENDING: dict[str, Any] = {"thread_id": "th", "begin_call_id": "c1", "end_call_id": "c2", "repository": "/r"}
TASK = pb.CaptureTask(
    task_id="t1",
    start=pb.StartTaskRequest(session_id="live-0"),
    ending=pb.Ending(session_id="live-1", summary="Done.", **ENDING),
)


async def test_the_slice_is_asked_for_and_written_whole(tmp_path: Path) -> None:
    proxy = Scripted({CASSETTE: b"x" * 2500}, losses=["one", "y" * 1000, *["more"] * 20])
    async with proxies.scripted(proxy) as stub:
        recorded = Recorded(stub, TASK)
        await recorded.check()
        losses = await recorded.export(CASSETTE, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"x" * 2500
    assert losses == ["one", "y" * 500, *["more"] * 8]
    piece = proxy_pb2.Slice(task_id="t1", final_message="Done.", **ENDING)
    assert proxy.asked == [proxy_pb2.ExportTraceRequest(session_id="live-1", format=CASSETTE, slice=piece)]


async def test_what_is_not_recorded_yet_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exported, "_PAUSE_SECONDS", 0.01)
    proxy = Scripted({ATIF: b"{}"}, ended_at=3)
    async with proxies.scripted(proxy) as stub:
        await Recorded(stub, TASK).export(ATIF, tmp_path / "file")
        assert (len(proxy.asked), (tmp_path / "file").read_bytes()) == (3, b"{}")
        proxy.ended_at = 1000
        monkeypatch.setattr(exported, "_ANSWER_SECONDS", 0.05)
        await Recorded(stub, TASK).export(ATIF, tmp_path / "never")
        assert 4 < len(proxy.asked) < 50, "for a while"
        proxy.asked.clear()
        nameless = pb.CaptureTask(start=TASK.start, ending=pb.Ending(session_id="live-1"))
        await Recorded(stub, nameless).export(ATIF, tmp_path / "nameless")
        assert len(proxy.asked) == 1, "an end of which nothing is known is not waited for"


async def test_without_one_of_its_end_the_session_is_that_of_the_start() -> None:
    task = pb.CaptureTask(start=TASK.start)
    async with proxies.scripted(Scripted()) as stub:
        with pytest.raises(NotExported, match="no session 'live-0'"):
            await Recorded(stub, task).check()


async def test_what_is_damaged_refused_or_too_large_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Scripted({ATIF: b"{}"}, damaged=True)
    async with proxies.scripted(proxy) as stub:
        with pytest.raises(NotExported, match="the 2 bytes have the checksum"):
            await Recorded(stub, TASK).export(ATIF, tmp_path / "file")
        with pytest.raises(NotExported, match="holds no model call"):
            await Recorded(stub, TASK).export(CASSETTE, tmp_path / "file")
        proxy.damaged = False
        monkeypatch.setattr(exported, "_MOST_BYTES", 1)
        with pytest.raises(NotExported, match="the content is larger than 1 bytes"):
            await Recorded(stub, TASK).export(ATIF, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


async def test_a_proxy_that_is_not_there_or_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exported, "_ANSWER_SECONDS", 0.2)
    async with proxies.scripted(Scripted(silent=True)) as stub:
        with pytest.raises(NotExported, match="the proxy did not answer within 0 s"):
            await Recorded(stub, TASK).check()
    monkeypatch.setattr(exported, "_ANSWER_SECONDS", 10.0)
    async with channel(f"unix:{tmp_path}/nobody", "t") as opened:
        with pytest.raises(NotExported, match=r"failed to connect|nobody|No such file"):
            await Recorded(proxy_pb2_grpc.ProxyServiceStub(opened), TASK).check()

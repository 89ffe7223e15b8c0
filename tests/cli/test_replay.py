"""What `--replay` names."""

import contextlib
from pathlib import Path
from typing import Any

import pytest

from cli.harness import House
from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2_grpc
from oneshot_cli import clients, replay
from oneshot_cli.replay import Source
from oneshot_shared import task
from oneshot_shared.errors import BadInput
from orchestrator.test_session import served

HELLO = Path(__file__).parents[2] / "data" / "tasks" / "prepared" / "hello-world"


async def test_a_cassette_of_the_task_goes_first() -> None:
    found = task.load(HELLO)
    assert await replay.find("hello-world", "", found, "") == Source("gpt-5.5", cassette="hello-world")
    assert await replay.find("default", "m", found, "") == Source("m", cassette="hello-world")
    assert await replay.find(None, "m", found, "") == Source("m")


@pytest.mark.parametrize(
    ("timing", "replayed", "words"),
    [
        ("instnat", True, "--replay-timing is 'instnat'..did you mean 'instant'.* allowed: instant, recorded"),
        ("recorded", False, "--replay-timing recorded goes with --replay only"),
    ],
)
def test_timings_are_checked(timing: str, replayed: bool, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        replay.check_timing(timing, replayed=replayed)
    replay.check_timing("", replayed=False)
    replay.check_timing("recorded", replayed=True)


def test_a_recorded_run_is_replayed_by_its_id(house: House) -> None:
    """A replay is recorded as well, and so can be replayed."""
    first = house("run", "hello-world", "--backend", "local", "--replay", "--run-id", "recorded-1")
    assert first.code == 0, first.err
    again = house("run", "hello-world", "--backend", "local", "--replay", "recorded-1", "--replay-timing", "recorded")
    assert again.code == 0, again.err
    assert "model answers are replayed from run 'recorded-1'" in again.err
    assert "[results] Model answers: replayed from run 'recorded-1' (no model was called)" in again.out


async def test_a_live_session_may_have_several_models(monkeypatch: pytest.MonkeyPatch) -> None:
    class Proxy(proxy_pb2_grpc.ProxyServiceServicer):
        async def GetSession(self, request: Any, context: Any) -> pb.GetSessionResponse:  # noqa: N802
            live = pb.Session(session_id=request.session_id, kind=pb.SESSION_KIND_LIVE)
            return pb.GetSessionResponse(session=live)

    async with served(Proxy()) as stub:  # type: ignore[arg-type]
        monkeypatch.setattr(clients, "proxy", lambda _: contextlib.nullcontext(stub))
        found = task.load(HELLO)
        with pytest.raises(
            BadInput, match=r"'live-1' is a live session, which may have asked several models; .* --model"
        ):
            await replay.find("live-1", "", found, "")
        assert await replay.find("live-1", "m", found, "") == Source("m", run="live-1")


def test_neither_a_cassette_nor_a_run(house: House) -> None:
    done = house("run", "hello-world", "--backend", "local", "--replay", "helo")
    assert done.code == 2
    assert "has no cassette 'helo' (it has: hello-world), and no run 'helo' was recorded by this stack" in done.err

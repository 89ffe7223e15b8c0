"""What a run's folder keeps of its recording."""

import json
from pathlib import Path

from oneshot.proxy.v1 import proxy_pb2
from oneshot_orchestrator import recording
from orchestrator.test_session import Proxy, served


async def test_calls_without_bodies_the_record_and_the_trajectory(tmp_path: Path) -> None:
    async with served(Proxy()) as stub:
        await recording.keep(stub, "r", proxy_pb2.Session(session_id="r", calls=3), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"calls.jsonl", "session.json", "trajectory.json"}
    calls = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert calls == [{"seq": seq, "status": 200} for seq in (1, 2, 3)]
    assert json.loads((tmp_path / "session.json").read_text()) == {"session_id": "r", "calls": 3}
    assert (tmp_path / "trajectory.json").read_bytes() == b"{}"


async def test_a_trajectory_that_cannot_be_made_is_a_note(tmp_path: Path) -> None:
    proxy = Proxy()
    proxy.trajectory = None
    async with served(proxy) as stub:
        (note,) = await recording.keep(stub, "r", proxy_pb2.Session(session_id="r"), tmp_path)
    assert "trace/trajectory.json is not whole: " in note
    assert {path.name for path in tmp_path.iterdir()} == {"calls.jsonl", "session.json"}


async def test_a_proxy_that_is_gone_does_not_spoil_the_run(tmp_path: Path) -> None:
    async with served(Proxy()) as stub:
        pass
    notes = await recording.keep(stub, "r", proxy_pb2.Session(session_id="r"), tmp_path)
    assert [note.split()[0] for note in notes] == ["trace/calls.jsonl", "trace/trajectory.json"]

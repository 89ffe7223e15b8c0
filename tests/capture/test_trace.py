"""What is kept of the conversation, and that nothing of it spoils a task."""

import json
from pathlib import Path

import pytest

from capture import harness, proxies
from capture.proxies import ATIF, CASSETTE, Scripted
from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_capture import trace

KEY = "sk-proj-0123456789abcdefghij"
ROLLOUT = b"".join(
    json.dumps({"timestamp": "2026-11-25T04:00:00.000Z", "type": "response_item", "payload": payload}).encode() + b"\n"
    for payload in (
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": f"Use {KEY}."}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Done."}]},
    )
)
EXPORTS = {ATIF: b'{"schema_version": "ATIF-v1.8"}', CASSETTE: b'{"response": 1}\n'}


def kept(folder: Path) -> dict[str, bytes]:
    """Of a task's oneshot/, what this module writes."""
    names = (trace.TRAJECTORY, trace.CASSETTE, trace.ROLLOUT)
    return {name: (folder / "oneshot" / name).read_bytes() for name in names if (folder / "oneshot" / name).exists()}


async def ended(
    folder: Path, proxy: Scripted | None, rollout: bytes = ROLLOUT, session_id: str = "live-1"
) -> tuple[pb.CaptureTask, dict[str, bytes]]:
    async def work(stub: object) -> tuple[pb.CaptureTask, dict[str, bytes]]:
        async with harness.house(folder, stub) as house:
            await house.start(session_id=session_id)
            task = await house.end(rollout=rollout)
            assert task.state == pb.TASK_STATE_ENDED
            await house.capture.finish()
            assert house.leftovers() == []
            return task, kept(house.created / task.folder)

    if proxy is None:
        return await work(None)
    async with proxies.scripted(proxy) as stub:
        return await work(stub)


async def test_what_the_proxy_has_and_the_agents_own_record(tmp_path: Path) -> None:
    task, files = await ended(tmp_path, Scripted(EXPORTS))
    assert files == {
        trace.TRAJECTORY: EXPORTS[ATIF],
        trace.CASSETTE: EXPORTS[CASSETTE],
        trace.ROLLOUT: ROLLOUT.replace(KEY.encode(), b"*" * len(KEY)),
    }
    assert list(task.remarks) == ["1 key in oneshot/trace/rollout.jsonl became asterisks"]


async def test_keys_are_masked_in_all_of_it(tmp_path: Path) -> None:
    key = KEY.encode()
    exports = {ATIF: b'{"a": "%s\\n%s"}' % (key, key), CASSETTE: b'{"a": "%s"}\n' % key}
    task, files = await ended(tmp_path, Scripted(exports, losses=["the images"]))
    assert not [name for name, content in files.items() if b"sk-" in content]
    assert list(task.remarks) == [
        "oneshot/trajectory.json and oneshot/cassettes/reference.jsonl do not carry the images",
        "1 key in oneshot/trace/rollout.jsonl became asterisks",
        "2 keys in oneshot/trajectory.json became asterisks",
        "1 key in oneshot/cassettes/reference.jsonl became asterisks",
    ]


@pytest.mark.parametrize(
    ("proxy", "session_id", "why"),
    [
        (None, "", "no session of the proxy recorded the work"),
        (None, "live-1", "this service has no proxy to ask"),
        (Scripted(EXPORTS), "live-2", "no session 'live-2'"),
    ],
)
async def test_without_a_recording_the_agents_own_record_must_do(
    tmp_path: Path, proxy: Scripted | None, session_id: str, why: str
) -> None:
    task, files = await ended(tmp_path, proxy, session_id=session_id)
    assert files.keys() == {trace.TRAJECTORY, trace.ROLLOUT}
    steps = json.loads(files[trace.TRAJECTORY])["steps"]
    assert [(step["source"], step["message"]) for step in steps] == [
        ("user", f"Use {'*' * len(KEY)}."),
        ("agent", "Done."),
    ]
    assert task.remarks[0] == (
        f"there is no reference cassette, and the trajectory is made of the agent's own record: {why}"
    )


async def test_a_trajectory_that_the_proxy_refuses_is_made_of_the_agents_own_record(tmp_path: Path) -> None:
    task, files = await ended(tmp_path, Scripted({CASSETTE: EXPORTS[CASSETTE]}))
    assert json.loads(files[trace.TRAJECTORY])["steps"][1]["message"] == "Done."
    assert task.remarks[0] == "oneshot/trajectory.json could not be had from the proxy: the slice holds no model call"


async def test_a_record_of_nothing(tmp_path: Path) -> None:
    task, files = await ended(tmp_path, None, b"no json\n", "")
    assert files == {trace.ROLLOUT: b"no json\n"}
    assert "oneshot/trajectory.json is missing: the agent's own record holds no conversation" in task.remarks


async def test_neither(tmp_path: Path) -> None:
    task, files = await ended(tmp_path, None, b"", "")
    assert (files, list(task.remarks)) == ({}, [harness.NO_RECORD])


async def test_a_repeat_with_another_record_changes_nothing(tmp_path: Path) -> None:
    async with harness.house(tmp_path) as house:
        await house.start()
        first = await house.end(rollout=ROLLOUT)
        assert await house.end(rollout=b"{}\n") == first
        assert b"Done." in kept(house.created / first.folder)[trace.ROLLOUT]

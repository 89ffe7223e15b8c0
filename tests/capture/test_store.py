"""The capture store."""

from pathlib import Path

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_capture.store import CaptureStore


def test_tasks_come_back_newest_first_also_after_a_kill(tmp_path: Path) -> None:
    file = tmp_path / "state" / "capture.sqlite"
    killed = CaptureStore(file)
    for name in ("a", "b", "c"):
        killed.add(pb.CaptureTask(task_id=name))
    ended = pb.CaptureTask(task_id="b", state=pb.TASK_STATE_ENDED)
    killed.save(ended)
    store = CaptureStore(file)
    assert [task.task_id for task in store.newest(2)] == ["c", "b"]
    assert store.get("b") == ended
    assert store.get("d") is None
    assert file.stat().st_mode & 0o777 == 0o600
    store.close()
    killed.close()

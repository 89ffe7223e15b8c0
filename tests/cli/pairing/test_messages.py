"""What capture is told of a work."""

import pytest

from cli.pairing.works_made import made, made_ending
from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_cli.pairing import messages


def test_the_same_work_gives_the_same_message() -> None:
    work = made(labels=("a", "b"), session_id="live-1")
    request = messages.start_request(work)
    assert request == messages.start_request(work.model_copy())
    assert (request.task_id, request.title, list(request.labels)) == (work.task_id, work.title, ["a", "b"])
    assert (request.session_id, request.base_tree) == ("live-1", work.base_tree)


def test_an_ending_names_its_session_only_where_it_is_another() -> None:
    same = made(session_id="live-1", ending=made_ending(session_id="live-1"))
    other = made(session_id="live-1", ending=made_ending(session_id="live-2"))
    assert (messages.ending(same).session_id, messages.ending(other).session_id) == ("", "live-2")


@pytest.mark.parametrize(("ended_in", "said"), [("", "thread-1"), ("thread-2", "thread-2")])
def test_the_conversation_is_the_one_that_ended_it(ended_in: str, said: str) -> None:
    work = made(thread_id="thread-1", call_id="begin", ending=made_ending(thread_id=ended_in, call_id="end"))
    ending = messages.ending(work)
    assert (ending.thread_id, ending.begin_call_id, ending.end_call_id) == (said, "begin", "end")
    assert ending.repository == work.top


def test_what_became_of_it() -> None:
    counts = pb.Counts(base_files=3, source_files=2, test_files=1)
    task = pb.CaptureTask(folder="mend_20260101_000000", counts=counts, remarks=["one"], next_step="prepare it")
    result = messages.result(task)
    assert (result.folder, result.base_files, result.source_files, result.test_files) == (task.folder, 3, 2, 1)
    assert (result.remarks, result.next_step) == (("one",), "prepare it")

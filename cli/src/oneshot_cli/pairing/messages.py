"""What capture is told of a work: the same message every time, so that telling it twice is harmless."""

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_cli.pairing.works import Result, Work


def start_request(work: Work) -> pb.StartTaskRequest:
    """Where it begins."""
    return pb.StartTaskRequest(
        task_id=work.task_id,
        title=work.title,
        instructions=work.instructions,
        notes=work.notes,
        labels=work.labels,
        session_id=work.session_id,
        base_tree=work.base_tree,
    )


def ending(work: Work) -> pb.Ending:
    """Where it ended; for a work that has."""
    assert work.ending
    end = work.ending
    return pb.Ending(
        task_id=work.task_id,
        summary=end.summary,
        instructions=end.instructions,
        rubric_toml=end.rubric_toml.encode(),
        test_paths=end.test_paths,
        fail_to_pass=end.fail_to_pass,
        labels=end.labels,
        base_tree=work.base_tree,
        end_tree=end.end_tree,
        session_id=end.session_id if end.session_id != work.session_id else "",
        thread_id=end.thread_id or work.thread_id,
        begin_call_id=work.call_id,
        end_call_id=end.call_id,
        repository=work.top,
    )


def result(task: pb.CaptureTask) -> Result:
    """What an ended task came to."""
    return Result(
        folder=task.folder,
        base_files=task.counts.base_files,
        source_files=task.counts.source_files,
        test_files=task.counts.test_files,
        remarks=tuple(task.remarks),
        next_step=task.next_step,
    )

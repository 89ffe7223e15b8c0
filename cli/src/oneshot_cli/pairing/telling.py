"""A work in words, for people and models, and as fields for programs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from oneshot_cli.pairing import words
from oneshot_cli.pairing.works import ABORTED, DELIVERED, ENDED, REFUSED, STARTED, Work
from oneshot_shared.capture_core import Told

_MOST_REMARKS = 10


def started(work: Work) -> Told:
    """The answer to a start."""
    lines = [
        f"Task {work.task_id} is started: {work.title!r}. It begins with {work.top} as it is now, uncommitted and untracked "
        "files too; nothing in the repository was changed.",
        *_remarks(work.remarks),
        "Next: do the work, with tests that fail without it, then end the task. Whether the repository has oddities that a task "
        "should not have is being checked meanwhile; the task's status tells.",
    ]
    return Told("\n".join(lines), fields(work))


def ended(work: Work) -> Told:
    """The answer to an end."""
    assert work.ending
    rubric = (
        f"Rubric: {words.weights(work.ending.rubric_toml)}." if work.ending.rubric_toml else "Rubric: the default one."
    )
    lines = [
        f"Task {work.task_id} is ended: all of it is saved, and its folder is being written in the background.",
        rubric,
        *_remarks([*dict.fromkeys([*work.remarks, *work.ending.remarks])]),
        "Next: nothing; the task's status tells its folder.",
    ]
    return Told("\n".join(lines), fields(work))


def aborted(work: Work) -> Told:
    """The answer to an abort: a work may have been created before it."""
    if work.state == ABORTED:
        text = f"Task {work.task_id} ({work.title!r}) is given up; the files in {work.top} stay as they are."
        return Told(text, fields(work))
    return Told(f"{status(work).text}\nIt cannot be given up any more; its folder may be removed.", fields(work))


def status(work: Work) -> Told:
    """Where a work stands."""
    lines = [f"Task {work.task_id} ({work.title!r}) in {work.top}: {_state(work)}"]
    if work.state != STARTED and work.result:
        lines += _remarks([*work.remarks, *work.result.remarks])
        lines.append(f"Next: {work.result.next_step}.")
    elif work.state == STARTED:
        lines += _remarks(work.remarks)
    if not work.result and work.trouble and work.state != REFUSED:
        lines.append(
            f"The last attempt to reach capture failed: {work.trouble}. Nothing is lost: it is tried again now."
        )
    return Told("\n".join(lines), fields(work))


def none(top: Path, others: Sequence[Work]) -> Told:
    """There is no task in a working tree."""
    text = f"no task was started in {top}; start one first"
    if lost := [work for work in others if work.state == STARTED and not Path(work.top).exists()]:
        named = ", ".join(f"{work.task_id} of {work.top}" for work in lost[:3])
        text += f", or if the repository was moved here, end or abort by its id: {named}"
    return Told(text, {"task_id": "", "state": ""})


def age(work: Work) -> str:
    """How long ago it was started."""
    minutes = int((datetime.now(UTC) - work.begun).total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 48 * 60 else f"{minutes // 1440} days"


def folder(work: Work) -> str:
    """Where its folder is: a path where the stack is this machine's own, else a name."""
    if not work.result:
        return ""
    if "ONESHOT_ENDPOINT" in work.where:
        return work.result.folder
    return str(Path(work.where["ONESHOT_DATA"]) / "tasks" / "created" / work.result.folder)


def fields(work: Work) -> dict[str, Any]:
    """For programs; without the longest words, and what only deliveries need."""
    kept = {"task_id", "title", "state", "top", "started_at", "base_tree", "session_id", "settled", "trouble"}
    found = work.model_dump(mode="json", include=kept)
    remarks = [
        *work.remarks,
        *(work.ending.remarks if work.ending else ()),
        *(work.result.remarks if work.result else ()),
    ]
    counts = work.result.model_dump(include={"base_files", "source_files", "test_files"}) if work.result else {}
    return found | {
        "ended_at": work.ending.ended_at if work.ending else "",
        "end_tree": work.ending.end_tree if work.ending else "",
        "folder": folder(work),
        "counts": counts,
        "remarks": list(dict.fromkeys(remarks)),
    }


def _state(work: Work) -> str:
    if work.state == STARTED:
        return f"open since {work.started_at} ({age(work)}). Do the work, then end it, or abort it."
    if work.state == ENDED:
        return "ended; its folder is being written."
    if work.state == REFUSED:
        return f"refused: {work.trouble}. End it again, mended, or abort it; nothing of it is lost."
    if work.state == DELIVERED and work.result:
        counts = work.result
        noun = "file" if counts.base_files == 1 else "files"
        return (
            f"created, {folder(work)} ({counts.base_files} {noun} at the base, {counts.source_files} changed in the solution, "
            f"{counts.test_files} in the tests)."
        )
    return "given up."


def _remarks(remarks: Sequence[str]) -> list[str]:
    more = [f"Note: {len(remarks) - _MOST_REMARKS} more."] if len(remarks) > _MOST_REMARKS else []
    return [*(f"Note: {each}." for each in remarks[:_MOST_REMARKS]), *more]

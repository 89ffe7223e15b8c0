"""The six tools for clients that send packs: unpacks, calls the core, packs. oneshot_shared.capture_core says what each is."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomlkit

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_capture.capture import Capture
from oneshot_capture.http import readiness
from oneshot_capture.http.packs import Packs
from oneshot_shared import capture_rubric, naming, testnames
from oneshot_shared.capture_core import Caller, GivenRubric, GivenTest, Told
from oneshot_shared.errors import BadInput
from oneshot_shared.transfer import outgoing

_WAIT_SECONDS = 60.0
_SLUG_LENGTH = 40
_LOOKED_AT = 100
_PIECE_BYTES = 1024 * 1024
ELSEWHERE = "run `oneshot mcp` there, which serves the same tools to the agent, or ask it for its readiness"


class PackTools:
    """Tools of one capture service."""

    def __init__(self, capture: Capture, packs: Packs, scratch: Path) -> None:
        self._capture = capture
        self._packs = packs
        self._scratch = scratch
        self._jobs: set[asyncio.Task[pb.CaptureTask]] = set()

    async def start_task(
        self,
        caller: Caller,
        *,
        title: str,
        base_tree: str = "",
        session_id: str = "",
        instructions: str = "",
        notes: str = "",
        labels: Sequence[str] = (),
    ) -> Told:
        """An open task of that title and tree is answered again."""
        for known in self._capture.newest(_LOOKED_AT):
            if known.state == pb.TASK_STATE_STARTED and (known.start.title, known.start.base_tree) == (
                title,
                base_tree,
            ):
                return _told(known)
        slug = naming.slug(title)[:_SLUG_LENGTH].strip("-")
        request = pb.StartTaskRequest(
            task_id=f"{slug}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
            title=title,
            instructions=instructions,
            notes=notes,
            labels=labels,
            session_id=session_id,
            base_tree=base_tree,
        )
        return _told(self._capture.start(request))

    async def end_task(
        self,
        caller: Caller,
        *,
        summary: str,
        instructions: str = "",
        rubric: GivenRubric = (),
        tests: Sequence[GivenTest] = (),
        labels: Sequence[str] = (),
        task_id: str = "",
        end_tree: str = "",
        pack: str = "",
    ) -> Told:
        """What takes longer than a minute goes on; the task's status tells."""
        task = self._capture.get(task_id)
        criteria = [dict(each) for each in capture_rubric.read(rubric)]
        ending = pb.Ending(
            task_id=task_id,
            summary=summary,
            instructions=instructions,
            rubric_toml=tomlkit.dumps({"criterion": criteria}).encode() if criteria else b"",
            test_paths=_test_paths(tests),
            fail_to_pass=[each for each in tests if isinstance(each, str)],
            labels=labels,
            base_tree=task.start.base_tree,
            end_tree=end_tree,
            thread_id=caller.thread_id,
            end_call_id=caller.call_id,
        )
        if task.state == pb.TASK_STATE_ENDED:  # said again, by another call
            ending.end_call_id, ending.thread_id = task.ending.end_call_id, task.ending.thread_id
        job = asyncio.create_task(self._capture.end(_stream(ending, self._packs.find(pack))))
        self._jobs.add(job)
        job.add_done_callback(self._done)
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                return _told(await asyncio.shield(job))
        except TimeoutError:
            return Told(f"Task {task_id} is being written; its status will tell its folder.", {"task_id": task_id})

    def _done(self, job: "asyncio.Task[pb.CaptureTask]") -> None:
        self._jobs.discard(job)
        if not job.cancelled():
            job.exception()  # whoever waited for it was told; else the service's log has it

    async def check_readiness(self, caller: Caller, *, base_tree: str = "", pack: str = "") -> Told:
        """What the pack tells."""
        if not base_tree or not pack:
            return Told(
                f"The working tree is not here: to check it whole, {ELSEWHERE}. Of a tree that was sent as a pack this tells what would "
                "be left out: give base_tree and pack."
            )
        async with readiness.opened(self._packs.find(pack), self._scratch) as trees:
            tree, found = await readiness.look(trees, base_tree)
        size = sum(entry.size for entry in tree.entries)
        lines = [
            f"The tree may be a base: {len(tree.entries)} files of {size} bytes.",
            *(f"Note: {each}." for each in found),
        ]
        lines.append(f"Whether the working tree itself is in order cannot be seen from here: {ELSEWHERE}.")
        return Told("\n".join(lines), {"ready": True, "files": len(tree.entries), "bytes": size, "remarks": found})

    async def autofix_readiness(self, caller: Caller) -> Told:
        """Nothing, and where to."""
        raise BadInput(f"nothing can be mended from here, for the working tree is elsewhere; {ELSEWHERE}")

    async def task_status(self, caller: Caller, *, task_id: str = "") -> Told:
        """As the service has it."""
        return _told(self._capture.get(task_id))

    async def abort_task(self, caller: Caller, *, task_id: str = "") -> Told:
        """As the service has it."""
        return _told(await self._capture.abort(task_id))


def _test_paths(tests: Sequence[GivenTest]) -> list[str]:
    """Named paths, where the usual names do not say it already. :raises BadInput: a test is given by value."""
    paths = []
    for each in tests:
        if isinstance(each, str):
            continue
        if each.get("content") is not None:
            raise BadInput(
                f"the test {each['path']!r} is given by its content; write it into the end tree, and send that"
            )
        paths.append(each["path"])
    return [] if all(testnames.by_name(path.encode()) for path in paths) else paths


async def _stream(ending: pb.Ending, pack: Path) -> AsyncIterator[pb.EndTaskRequest]:
    """What EndTask takes."""
    yield pb.EndTaskRequest(ending=ending)
    with pack.open("rb") as file:
        async for chunk, digest in outgoing(iter(lambda: file.read(_PIECE_BYTES), b"")):
            yield pb.EndTaskRequest(sha256=digest) if digest else pb.EndTaskRequest(chunk=chunk)


def _told(task: pb.CaptureTask) -> Told:
    state = pb.TaskState.Name(task.state).removeprefix("TASK_STATE_").lower()
    where = f" It is data/tasks/created/{task.folder} of this service." if task.folder else ""
    lines = [
        f"Task {task.task_id} ({task.start.title!r}) is {state}.{where}",
        *(f"Note: {each}." for each in task.remarks),
    ]
    lines.append(f"Next: {task.next_step}.")
    fields: dict[str, Any] = {
        "task_id": task.task_id,
        "title": task.start.title,
        "state": state,
        "base_tree": task.start.base_tree,
        "folder": task.folder,
        "started_at": task.started_at,
        "ended_at": task.ended_at,
        "remarks": list(task.remarks),
    }
    return Told("\n".join(lines), fields)

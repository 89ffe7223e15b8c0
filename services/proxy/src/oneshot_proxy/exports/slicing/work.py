"""The calls of a session as those of the work on one task alone."""

from collections.abc import AsyncIterator
from dataclasses import replace

from oneshot_proxy import offload
from oneshot_proxy.cassette import Item
from oneshot_proxy.exports.contract import Losses, Slice
from oneshot_proxy.exports.slicing import cut, place, replay
from oneshot_proxy.exports.slicing.find import Found
from oneshot_proxy.protocols import reading
from oneshot_proxy.records import CallRecord, SessionRecord


def session(whole: SessionRecord, found: Found) -> SessionRecord:
    """The session's record as of its part: what was used, and nothing of how the whole of it fared."""
    return replace(
        whole,
        calls=len(found.calls),
        calls_succeeded=found.succeeded,
        calls_decoded=found.succeeded,
        usage=found.usage,
        stopped_by="",
        upstream_failure="",
        alarms=(),
        drift=(),
        stored_bytes=0,
        body_bytes=0,
    )


def say(asked: Slice, found: Found, losses: Losses, *, replayed: bool) -> None:
    """What of the session goes, and whether the end is there."""
    losses.ended = found.ended
    if more := found.total - len(found.calls):
        losses.add(
            f"{more} of the session's {found.total} calls, which are no part of the work on task {asked.task_id}"
        )
    if found.begin:
        losses.add("what was said and done before the task was started, but for the person's last words")
    else:
        losses.add("the task's start: the conversation was recorded from a later moment on, or compacted before it")
    if found.used:
        losses.add(f"the calls of OneShot's own tools ({', '.join(found.used)}), and what they gave back")
    if not found.end:
        losses.add("the task's end: no call in this session ended it")
    if replayed and found.succeeded < len(found.calls):
        losses.add("calls that failed, and were made again")


async def work(found: Found, calls: AsyncIterator[CallRecord], *, replayed: bool) -> AsyncIterator[CallRecord]:
    """The calls of `found`, cut; `replayed`: as a replay can be served from them."""
    wanted = found.calls.union(found.main) if replayed else found.calls
    mine = (
        await offload.run(len(call.request) + len(call.response), cut.record, call, found)
        async for call in calls
        if call.seq in wanted
    )
    async for each in _replayed(found, mine) if replayed else mine:
        yield each


async def _replayed(found: Found, calls: AsyncIterator[CallRecord]) -> AsyncIterator[CallRecord]:
    talk, main, folder = replay.Conversation(found.final), frozenset(found.main), ""
    async for call in calls:
        size = len(call.request) + len(call.response)
        mine, folder = await offload.run(size, _at_top, call, found.repository, folder)
        if mine.seq in main:
            for each in talk.take(mine):
                yield each
        elif not replay.failed(mine):
            yield mine
    for each in talk.end():
        yield each


def _at_top(call: CallRecord, top: str, folder: str) -> tuple[CallRecord, str]:
    """A call as of an agent at the repository's top, and the folder below it in which this one works."""
    body = reading.json_object(call.request) or {}
    items = reading.mappings(body.get("input"))
    folder = folder or place.below(items, top)
    if not folder:
        return call, ""

    def moved(given: list[Item]) -> list[Item]:
        return [place.at_top(item, top, folder) for item in given]

    return cut.changed(call, body | {"input": moved(items)}, moved), folder

"""The items and records of a session without what does not belong to a task. Pure."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace

from oneshot_proxy import protocols
from oneshot_proxy.cassette import Item, is_emitted
from oneshot_proxy.exports.cassette_answers import ended
from oneshot_proxy.exports.slicing import tools, words
from oneshot_proxy.exports.slicing.find import Found
from oneshot_proxy.protocols import reading
from oneshot_proxy.records import CallRecord

_JSON = "application/json"


def record(call: CallRecord, found: Found) -> CallRecord:
    """A call with the task's part of its request and of its answer."""
    body = reading.json_object(call.request)
    decoded = protocols.decode_answer(call)
    if body is None or decoded is None:
        return call
    if isinstance(body.get("input"), list):
        started = bool(found.begin) and _place([item.raw for item in decoded.output], found.begin) is not None
        body["input"] = asked(reading.mappings(body["input"]), found, started=started)
    if isinstance(body.get("tools"), list):
        body["tools"] = list(tools.others(reading.mappings(body["tools"])))
    final = [message(found.final)] if found.final and call.seq == found.main[-1] else []
    return changed(call, body, lambda output: answered(output, found) or (final if output else []))


def message(text: str) -> Item:
    """What a model says."""
    return {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }


def changed(call: CallRecord, body: Item, change: Callable[[list[Item]], list[Item]]) -> CallRecord:
    """A call with another body of its request, and its answer's items changed."""
    call = replace(call, request=json.dumps(body).encode())
    decoded = protocols.decode_answer(call)
    output = [item.raw for item in decoded.output] if decoded else []
    left = change(output)
    return call if left == output else answering(call, ended(call.response) | {"output": left})


def answering(call: CallRecord, response: Item) -> CallRecord:
    """A call with another response object."""
    return replace(call, response=json.dumps(response).encode(), content_type=_JSON)


def asked(items: list[Item], found: Found, *, started: bool = False) -> list[Item]:
    """A request's items from the person's words on, with what stands before a conversation's first ones.

    `started`: the answer to them starts the task, so that none of what a model said in them belongs to it.
    """
    begin = _place(items, found.begin) if found.begin else None
    if started:
        begin = len(items)
    head = next((place for place, item in enumerate(items) if not words.is_context(item)), len(items))
    if begin is None:  # a sub-agent's own conversation, or one that was compacted since
        place = words.last(items, found.words) if found.words else -1
        gone = items[head : max(place, head)]
        return _cleaned([*items[:head], *items[max(place, head) :]] if place >= 0 else items, gone, found)
    place = words.last(items[:begin])
    since = place
    while since > head and words.is_context(items[since - 1]):
        since -= 1
    said = items[max(since, head) : place + 1] if place >= 0 else []
    return _cleaned([*items[:head], *said, *items[begin:]], items[head:begin], found)


def answered(output: list[Item], found: Found) -> list[Item]:
    """An answer's items between the start and the end."""
    begin = _place(output, found.begin) if found.begin else None
    end = _place(output, found.end) if found.end else None
    return _left(output[begin or 0 : None if end is None else end + 1], found) if output else []


def _place(items: list[Item], call_id: str) -> int | None:
    return next((at for at, item in enumerate(items) if is_emitted(item) and _id(item) == call_id), None)


def _id(item: Item) -> str:
    return reading.string(item.get("call_id")) or reading.string(item.get("id"))


def _cleaned(items: list[Item], before: list[Item], found: Found) -> list[Item]:
    """Without our tools and the searches that found them alone, and without the results of these and of all calls before."""
    gone = {_id(item) for item in items if is_emitted(item) and _is_gone(item, found)}
    gone |= {_id(item) for item in before if is_emitted(item)}
    cleaned: list[Item] = []
    run: list[Item] = []
    for item in items:
        if is_emitted(item):
            run.append(item)
            continue
        cleaned += _left(run, found)
        run = []
        if item.get("call_id") is None or _id(item) not in gone | found.cut:
            cleaned.append(_defining(item))
    return cleaned + _left(run, found)


def _is_gone(item: Item, found: Found) -> bool:
    return tools.without(item) is None or (item.get("type") != "message" and _id(item) in found.cut)


def _left(run: Iterable[Item], found: Found) -> list[Item]:
    """What is left of an answer: nothing where it is only the thought that led to our tools."""
    run = list(run)
    left = [tools.without(item) or item for item in run if not _is_gone(item, found)]
    thoughts = all(item.get("type") == "reasoning" for item in left)
    return [] if thoughts and len(left) < len(run) else left


def _defining(item: Item) -> Item:
    """An item that defines tools, without ours."""
    if item.get("type") != "additional_tools" or not isinstance(item.get("tools"), list):
        return item
    return item | {"tools": list(tools.others(reading.mappings(item["tools"])))}

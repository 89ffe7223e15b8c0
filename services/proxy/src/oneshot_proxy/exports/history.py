"""A session as conversations. Every request repeats the whole of one; what each call adds to it is found here, for all exports.

A conversation is held as one hash an item, so that 10,000 calls take little memory.
"""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from oneshot_proxy import offload, protocols, threads
from oneshot_proxy.exports.cassette_answers import refused
from oneshot_proxy.model import Item, ModelCall
from oneshot_proxy.protocols.reading import written
from oneshot_proxy.records import CallRecord
from oneshot_proxy.threads import Thread

_SOFT = ("reasoning", "tools")  # agents leave these out of later requests without rewriting what was said


@dataclass(frozen=True)
class Turn:
    """One model call and what it added to its conversation.

    `record` and `call` come without bodies and input. `new`: the items of the request that its conversation did not hold yet,
    `context`: the whole request, only where `replaced` says that earlier items are gone from it (compaction).
    `failure`: why there is no whole answer; `call.output` then holds what came of it. `first`: the conversation begins here.
    `refused`: the proxy said no. Such calls are free and hold what an agent likes: they are no part of the conversation, and `new`
    is only what they brought of results of the model's own calls.
    """

    thread: Thread
    record: CallRecord
    call: ModelCall
    new: tuple[Item, ...]
    context: tuple[Item, ...]
    replaced: bool
    failure: str
    first: bool
    refused: bool = False


class Histories:
    """The conversations of one session."""

    def __init__(self) -> None:
        self._by_thread: dict[str, _History] = {}
        self._ends: dict[int, _History] = {}
        self._latest: _History | None = None

    def turn(self, record: CallRecord) -> Turn | None:
        """What a call added; None for traffic of no model API."""
        call = protocols.decode(record)
        if call is None:
            return None
        items = _with_instructions(call)
        keys = [_key(item) for item in items]
        bare, failure = replace(record, request=b"", response=b""), _failure(record, call)
        said_no = bool(failure) and refused(record)
        history, first = self._find(threads.thread_of(record), _chain(keys), said_no)
        self._latest = history
        self._ends[history.end] = history
        if said_no:
            new = history.results(items)
            return Turn(history.thread, bare, replace(call, input=()), new, (), False, failure, first, refused=True)
        new, replaced = history.take(items, keys)
        if not failure:
            history.add(call.output)
        self._ends[history.end] = history
        context = items if replaced else ()
        return Turn(history.thread, bare, replace(call, input=()), new, context, replaced, failure, first)

    def _find(self, thread: Thread, chain: list[int], said_no: bool) -> tuple["_History", bool]:
        """By the agent's own name for it, else by the conversation that the request goes on with; a refused call begins none."""
        if not thread.id:
            for end in reversed([0, *chain]):
                if (found := self._ends.get(end)) and found.end == end:
                    return found, False
            if said_no and self._latest:
                return self._latest, False
            thread = replace(thread, id=f"conversation-{len(self._by_thread) + 1}")
        first = thread.id not in self._by_thread
        history = self._by_thread.setdefault(thread.id, _History(thread))
        history.thread = thread
        return history, first


async def turns(calls: AsyncIterator[CallRecord], others: list[CallRecord] | None = None) -> AsyncIterator[Turn]:
    """The turns of a session in the order of their start. Calls of no model API go to `others`, without bodies."""
    histories = Histories()
    async for record in calls:
        if turn := await offload.run(len(record.request) + len(record.response), histories.turn, record):
            yield turn
        elif others is not None:
            others.append(replace(record, request=b"", response=b""))


class _History:
    def __init__(self, thread: Thread) -> None:
        self.thread = thread
        self.end = 0
        self._held: list[int] = []
        self._soft: set[int] = set()
        self._ids: set[str] = set()
        self._called: set[str] = set()

    def take(self, items: tuple[Item, ...], keys: list[int]) -> tuple[tuple[Item, ...], bool]:
        """What of a request is new, and whether something of before is gone; from here on the request is the history."""
        common = 0
        for mine, theirs in zip(self._held, keys, strict=False):
            if mine != theirs:
                break
            common += 1
        rest = Counter(self._held[common:])
        new: list[Item] = []
        for item, key in zip(items[common:], keys[common:], strict=True):
            # a compacted history is put together from old items and texts; whoever says the same thing anew has a new id
            if rest[key] and (not new or not _id(item) or _id(item) in self._ids):
                rest[key] -= 1
            else:
                new.append(item)
        gone = any(count and key not in self._soft for key, count in rest.items())
        self._held = keys
        self._note(items)
        return tuple(new), gone

    def results(self, items: tuple[Item, ...]) -> tuple[Item, ...]:
        """Those of calls in the model's last answer, one for each."""
        found = {item.call_id: item for item in items if item.kind == "tool_result" and item.call_id in self._called}
        return tuple(found.values())

    def add(self, items: tuple[Item, ...]) -> None:
        """The model's answer: the next request repeats it."""
        self._called = {item.call_id for item in items if item.kind == "tool_call"}
        self._held = [*self._held, *(_key(item) for item in items)]
        self._note(items)

    def _note(self, items: tuple[Item, ...]) -> None:
        self.end = chain[-1] if (chain := _chain(self._held)) else 0
        for item in items:
            self._ids.add(_id(item))
            if item.kind in _SOFT or item.role == "system":
                self._soft.add(_key(item))


def _with_instructions(call: ModelCall) -> tuple[Item, ...]:
    if not call.instructions:
        return call.input
    return (Item("message", "system", {}, call.instructions), *call.input)


def _id(item: Item) -> str:
    found = item.raw.get("id")
    return found if isinstance(found, str) else ""


def _key(item: Item) -> int:
    """What an item says, however an agent writes it back: ids, states and encrypted parts do not count."""
    if item.kind in ("tools", "other"):
        return hash(
            (item.kind, written({key: value for key, value in item.raw.items() if key not in ("id", "status")}))
        )
    text = "" if item.kind == "reasoning" else item.text
    return hash((item.kind, item.role, text, item.name, item.call_id, item.arguments))


def _chain(keys: list[int]) -> list[int]:
    """A hash for each beginning of a conversation."""
    found, last = [], 0
    for key in keys:
        last = hash((last, key))
        found.append(last)
    return found


def _failure(record: CallRecord, call: ModelCall) -> str:
    if not 200 <= record.status < 300:
        status = f"status {record.status}" if record.status else "no answer"
        return record.error or call.error or status
    return record.error or call.error or ("" if call.finish else "the answer broke off")

"""A session as conversations. Every request repeats the whole of one; what each call adds to it is found here, for all exports.

A conversation is held as one hash an item and the text of its last request, of which the next one's is only read on.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace

from oneshot_proxy import offload, protocols, threads
from oneshot_proxy.exports.cassette_answers import refused
from oneshot_proxy.exports.tail import Prefix, prefix
from oneshot_proxy.model import Item, ModelCall
from oneshot_proxy.protocols.reading import string, written
from oneshot_proxy.records import CallRecord
from oneshot_proxy.threads import Thread

_HEADS = 4
_LONGEST = 8 * 1024 * 1024  # characters of a request that is held until the next one goes on with it
_SUMMARY = 20  # what is shorter stands in other texts by chance
_SOFT = ("reasoning", "tools")  # agents leave these out of later requests without rewriting what was said


@dataclass(frozen=True)
class Turn:
    """One model call and what it added to its conversation.

    `record` and `call` come without bodies and input. `new`: the items of the request that its conversation did not hold yet,
    `context`: the whole request, only where `replaced` says that it was compacted: a summary stands for earlier items.
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
        self._known: list[_Known] = []

    def turn(self, record: CallRecord) -> Turn | None:
        """What a call added; None for traffic of no model API."""
        read = _read(record, self._known)
        if read is None:
            return None
        failure = failure_of(record, read.call)
        said_no = bool(failure) and refused(record)
        history, first = self._find(read.thread, read.chain, said_no)
        if read.before and history.common(read.keys) < len(read.before.keys):
            read = _read(record, ()) or read
        self._latest = history
        new, context = self._take(history, record, read, failure, said_no)
        self._ends[history.end] = history
        bare, call = replace(record, request=b"", response=b""), replace(read.call, input=())
        return Turn(history.thread, bare, call, new, context or (), context is not None, failure, first, said_no)

    def _take(
        self, history: "_History", record: CallRecord, read: "_Read", failure: str, said_no: bool
    ) -> tuple[tuple[Item, ...], tuple[Item, ...] | None]:
        """What is new, and the whole request where it was compacted."""
        if said_no:
            return history.results(read.items), None
        if read.prefix and len(read.prefix.text) <= _LONGEST:
            known = _Known(read.prefix, (read.call.wire_api, read.call.instructions), read.keys, read.chain)
            self._known = [known, *(each for each in self._known if each is not read.before)][:_HEADS]
        compaction = _compacts(record, history.thread)
        new, replaced = history.take(read.items, read.keys, read.chain, compaction)
        if not failure:
            history.add(read.call.output, compaction)
        whole = read if not read.before or not replaced else _read(record, ())
        return new, whole.items if replaced and whole else None

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


@dataclass(frozen=True)
class _Known:
    """A request that others may go on with; `told` is its API and its instructions, which may stand behind the items."""

    prefix: Prefix
    told: tuple[str, str]
    keys: list[int]
    chain: list[int]


@dataclass(frozen=True)
class _Read:
    """A request as far as it had to be read: `items` lacks those of `before`, `keys` and `chain` are of all."""

    thread: Thread
    call: ModelCall
    items: tuple[Item, ...]
    keys: list[int]
    chain: list[int]
    prefix: Prefix | None
    before: _Known | None = None


def _read(record: CallRecord, known: Iterable[_Known]) -> _Read | None:
    body = record.request.decode("utf-8", "replace")
    for before in known:
        if not (rest := before.prefix.rest(body)):
            continue
        short = replace(record, request=rest[0].encode())
        call = protocols.decode(short)
        if call and (call.wire_api, call.instructions) == before.told:
            more = [_key(item) for item in call.input]
            chain = before.chain + _chain(call.input, more, before.chain[-1])
            return _Read(threads.thread_of(short), call, call.input, before.keys + more, chain, rest[1], before)
    call = protocols.decode(record)
    if call is None:
        return None
    items = _with_instructions(call)
    keys = [_key(item) for item in items]
    return _Read(threads.thread_of(record), call, items, keys, _chain(items, keys), prefix(body) if keys else None)


@dataclass
class _Head:
    """A conversation as one request and its answer left it: a hash for each item, and one for all of it."""

    keys: list[int]
    end: int = 0


class _History:
    """A conversation with a few heads: agents ask aside of it, and go back in it, without having compacted it."""

    def __init__(self, thread: Thread) -> None:
        self.thread = thread
        self._heads = [_Head([])]
        self._soft: set[int] = set()
        self._ids: set[str] = set()
        self._called: set[str] = set()
        self._said = ""
        self._summarized = False

    @property
    def end(self) -> int:
        """What stands for the whole of it."""
        return self._heads[-1].end

    def take(
        self, items: tuple[Item, ...], keys: list[int], chain: list[int], compaction: bool
    ) -> tuple[tuple[Item, ...], bool]:
        """What of a request is new, and whether it stands for what is gone; from here on the request is the history.

        `items` may lack those at the beginning that are in common.
        """
        common, head = self._nearest(keys)
        rest = Counter(head.keys[common:])
        new: list[Item] = []
        items = items[len(items) - len(keys) + common :]
        for item, key in zip(items, keys[common:], strict=True):
            # a compacted history is put together from old items and texts; whoever says the same thing anew has a new id
            if rest[key] and (not new or not _id(item) or _id(item) in self._ids):
                rest[key] -= 1
            else:
                new.append(item)
        gone = any(count and key not in self._soft for key, count in rest.items())
        replaced = gone and (compaction or self._summarized or self._sums_up(new))
        if replaced or not gone:
            self._heads.remove(head)
        self._heads = [*self._heads[1 - _HEADS :], _Head(keys, chain[-1] if chain else 0)]
        self._note(items)
        return tuple(new), replaced

    def common(self, keys: list[int]) -> int:
        """How much of a request's beginning is known."""
        return self._nearest(keys)[0]

    def _nearest(self, keys: list[int]) -> tuple[int, _Head]:
        """The head that has most of a request's beginning, the latest of several, and how much that is."""
        found = [(_common(head.keys, keys), place) for place, head in enumerate(self._heads)]
        common, place = max(found)
        return common, self._heads[place]

    def _sums_up(self, new: list[Item]) -> bool:
        """Whether a provider's or the model's own summary is in it: its last answer, in somebody else's mouth."""
        if any(item.kind == "other" and "compaction" in string(item.raw.get("type")) for item in new):
            return True
        texts = (item.text for item in new if not item.emitted)
        return len(self._said) >= _SUMMARY and any(self._said in text for text in texts)

    def results(self, items: tuple[Item, ...]) -> tuple[Item, ...]:
        """Those of calls in the model's last answer, one for each."""
        found = {item.call_id: item for item in items if item.kind == "tool_result" and item.call_id in self._called}
        return tuple(found.values())

    def add(self, items: tuple[Item, ...], compaction: bool) -> None:
        """The model's answer: the next request repeats it, or is a summary of what was."""
        head, keys = self._heads[-1], [_key(item) for item in items]
        head.keys, head.end = head.keys + keys, _chain(items, keys, head.end)[-1] if items else head.end
        self._called = {item.call_id for item in items if item.kind == "tool_call"}
        self._said = "\n".join(item.text for item in items if item.kind == "message").strip()
        self._summarized = compaction
        self._note(items)

    def _note(self, items: tuple[Item, ...]) -> None:
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


def _chain(items: tuple[Item, ...], keys: list[int], last: int = 0) -> list[int]:
    """A hash for each beginning of a conversation. Reasoning does not count: many agents never send it back."""
    found = []
    for item, key in zip(items, keys, strict=True):
        last = last if item.kind == "reasoning" else hash((last, key))
        found.append(last)
    return found


def _common(mine: list[int], theirs: list[int]) -> int:
    """How long the common beginning is."""
    if theirs[: len(mine)] == mine:  # nearly always, and fast
        return len(mine)
    return next(place for place, (one, other) in enumerate(zip(mine, [*theirs, None], strict=False)) if one != other)


def _compacts(record: CallRecord, thread: Thread) -> bool:
    return thread.request_kind == "compaction" or record.request_line.endswith("/responses/compact")


def failure_of(record: CallRecord, call: ModelCall) -> str:
    """Why there is no whole answer; empty where there is one."""
    if not 200 <= record.status < 300:
        status = f"status {record.status}" if record.status else "no answer"
        return record.error or call.error or status
    return record.error or call.error or ("" if call.finish else "the answer broke off")

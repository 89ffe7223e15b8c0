"""Where in a session a task was worked on: found in one pass over its calls, of which a few words each are held."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from oneshot_proxy.exports import history
from oneshot_proxy.exports.contract import Slice
from oneshot_proxy.exports.history import Turn
from oneshot_proxy.exports.slicing import tools, words
from oneshot_proxy.model import Item
from oneshot_proxy.protocols.reading import string
from oneshot_proxy.records import CallRecord
from oneshot_proxy.threads import Thread
from oneshot_proxy.usage import Usage
from oneshot_shared.errors import BadInput

_ANY_TASK = re.compile(r"(?<![\w-])[\w-]+-\d{8}-\d{6}-[0-9a-f]{6}(?![\w-])")


@dataclass(frozen=True)
class Found:
    """What belongs to a task. Calls are named by their `seq`.

    `begin`, `end`: ids of the tool calls that started and ended it, empty where the session holds none. `words`: the person's last
    ones before the start. `cut`: ids of tool calls that go, although they are none of our tools. `calls`: what has anything left;
    `main`: those of the conversation itself, also where nothing is left; `total`: of the session. `used`: our tools, by name.
    `final`: the last answer, where nothing is left of it. `ended`: the end is the one that was asked for.
    """

    begin: str
    end: str
    words: str
    cut: frozenset[str]
    calls: frozenset[int]
    main: tuple[int, ...]
    total: int
    succeeded: int
    usage: Usage
    used: tuple[str, ...]
    repository: str
    final: str
    ended: bool


async def find(session_id: str, asked: Slice, calls: AsyncIterator[CallRecord]) -> Found:
    """:raises BadInput: the session has nothing of the task."""
    talks: dict[str, _Talk] = {}
    others: list[CallRecord] = []
    async for turn in history.turns(calls, others):
        talks.setdefault(turn.thread.id, _Talk(turn.thread)).take(turn, asked)
    main = talks.get(asked.thread_id) or next((talk for talk in talks.values() if talk.begin(asked)), None)
    found = main and _found(asked, main, talks, len(others))
    if not found or not found.main:
        apis = sorted({talk.api for talk in talks.values()} - {"responses"})
        why = f"; it spoke the {', '.join(apis)} API, and tasks are found in the Responses API only" if apis else ""
        raise BadInput(
            f"session {session_id!r} holds no work on task {asked.task_id!r}{why}; name the session in which the task was ended"
        )
    return found


@dataclass
class _Event:
    """A call of one of our tools. `at`: the turn's place in its conversation; `answered`: the turn's answer made it, else the
    request brought it. `ours`, `other`: its result names the task, or another one."""

    call_id: str
    names: tuple[str, ...]
    at: int
    answered: bool
    words: str
    ours: bool = False
    other: bool = False


@dataclass(frozen=True)
class _Said:
    """An item of an answer: `gone` where it is nothing but a call of our tools."""

    call_id: str
    gone: bool
    reasoning: bool


@dataclass(frozen=True)
class _Turn:
    seq: int
    usage: Usage
    failed: bool
    said: tuple[_Said, ...]


@dataclass
class _Talk:
    """A conversation."""

    thread: Thread
    turns: list[_Turn] = field(default_factory=list)
    events: dict[str, _Event] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    words: str = ""
    api: str = ""

    def take(self, turn: Turn, asked: Slice) -> None:
        """The next turn."""
        self.api = turn.call.wire_api
        for item in turn.new:
            self._note(item, asked, answered=False)
        output = () if turn.failure else turn.call.output
        for item in output:
            self._note(item, asked, answered=True)
        said = tuple(_Said(item.call_id, tools.without(item.raw) is None, item.kind == "reasoning") for item in output)
        self.turns.append(_Turn(turn.record.seq, turn.record.usage, bool(turn.failure), said))

    def _note(self, item: Item, asked: Slice, *, answered: bool) -> None:
        if item.kind == "message" and words.persons(item.raw):
            self.words = item.text
        elif item.kind == "tool_call":
            names = tools.use(item.raw).names
            own = string(item.raw.get("id"))  # in code mode a client knows this one alone
            if names or {item.call_id, own} & {asked.begin_call_id, asked.end_call_id}:
                event = _Event(item.call_id, names, len(self.turns), answered, self.words)
                self.events.setdefault(item.call_id, event)
                self.ids.setdefault(own or item.call_id, item.call_id)
        elif item.kind == "tool_result":
            self._result(item, asked)
        elif tools.searched_only_ours(item.raw):
            self.cut.add(item.call_id)

    def _result(self, item: Item, asked: Slice) -> None:
        ours = bool(re.search(rf"(?<![\w-]){re.escape(asked.task_id)}(?![\w-])", item.text))
        event = self.events.get(item.call_id)
        if event is None and ours:  # whatever called our tool
            made = (at for at, turn in enumerate(self.turns) if any(said.call_id == item.call_id for said in turn.said))
            at = next(made, None)
            event = _Event(item.call_id, (), len(self.turns) if at is None else at, at is not None, self.words)
            self.events[item.call_id] = event
        if event is not None:
            event.ours = event.ours or ours
            event.other = event.other or bool(set(_ANY_TASK.findall(item.text)) - {asked.task_id})

    def named(self, call_id: str) -> _Event | None:
        """The call of that id, or of the item of that id."""
        return self.events.get(call_id) or self.events.get(self.ids.get(call_id, ""))

    def begin(self, asked: Slice) -> _Event | None:
        """The call that started the task."""
        if event := self.named(asked.begin_call_id):
            return event
        named = [event for event in self.events.values() if event.ours]
        return next((event for event in named if tools.START in event.names), named[0] if named else None)

    def end(self, asked: Slice, begin: _Event | None) -> _Event | None:
        """The call that ended it: the last one before another task was started."""
        if event := self.named(asked.end_call_id):
            return event
        events = list(self.events.values())
        last = None
        for event in events[events.index(begin) + 1 :] if begin else events:
            if tools.END in event.names:
                last = event
            if tools.START in event.names and event.other and not event.ours:
                break
        return last


def _found(asked: Slice, main: _Talk, talks: dict[str, _Talk], others: int) -> Found:
    begin = main.begin(asked)
    end = main.end(asked, begin)
    first = begin.at if begin else 0
    last = len(main.turns) - 1 if end is None else end.at - (not end.answered)
    work = main.turns[first : last + 1]
    until = work[-1].seq if end and work else None
    inner = list(_inner(main, talks, main.turns[begin.at].seq if begin and begin.answered else 0, until))
    events = [event for event in main.events.values() if first <= event.at <= last]
    bounds = {event.call_id for event in (begin, end) if event and not event.names}
    cut = frozenset().union(bounds, *(talk.cut for talk in talks.values()))
    # the last one brings what the last tool calls gave back
    kept = [turn for turn in work if turn is work[-1] or _left(turn, cut, begin, end)]
    kept += [turn for turn in inner if _left(turn, cut)]
    return Found(
        begin=begin.call_id if begin else "",
        end=end.call_id if end else "",
        words=begin.words if begin else "",
        cut=cut,
        calls=frozenset(turn.seq for turn in kept),
        main=tuple(turn.seq for turn in work),
        total=others + sum(len(talk.turns) for talk in talks.values()),
        succeeded=sum(not turn.failed for turn in kept),
        usage=sum((turn.usage for turn in kept), Usage()),
        used=tuple(sorted({name for event in events for name in event.names})),
        repository=asked.repository or main.thread.cwd,
        final=asked.final_message,
        ended=end is not None and (not asked.end_call_id or end is main.named(asked.end_call_id)),
    )


def _inner(main: _Talk, talks: dict[str, _Talk], begun: int, until: int | None) -> Iterator[_Turn]:
    """What sub-agents said that were started in between; a parent comes before its children."""
    inside = {main.thread.id}
    for talk in talks.values():
        if talk.thread.parent in inside and talk is not main and talk.turns[0].seq > begun:
            inside.add(talk.thread.id)
            yield from (turn for turn in talk.turns if until is None or turn.seq <= until)


def _left(turn: _Turn, cut: frozenset[str], begin: _Event | None = None, end: _Event | None = None) -> bool:
    """Whether anything that a model said to others than us is left of an answer; one that was not whole goes nowhere."""
    ids = [said.call_id for said in turn.said]
    since = ids.index(begin.call_id) if begin and begin.call_id in ids else 0
    till = ids.index(end.call_id) + 1 if end and end.call_id in ids else len(ids)
    left = [said for said in turn.said[since:till] if not said.gone and said.call_id not in cut]
    return len(left) == len(turn.said) or any(not said.reasoning for said in left)

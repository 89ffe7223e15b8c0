"""Which answer of a cassette comes next, for each of the conversations that run in one session, in this session's own terms."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from oneshot_proxy import drift, refusal
from oneshot_proxy.cassette import Cassette, Entry, Given, Item, digest, emitted
from oneshot_proxy.refusal import Refusal
from oneshot_proxy.substitution import Substitution

_MOST_DRIFT = 100


class Player:
    """Hands out each entry once. `drift`: where requests differ from the recorded ones without harm, a sentence each.

    The agent sends back what it was given, which may be in other terms than the recorded answer: so the player remembers what
    each item of an answer was when it was recorded.
    """

    def __init__(self, cassette: Cassette, *, recorded_timing: bool = False) -> None:
        self._cassette = cassette
        self.recorded_timing = recorded_timing
        self.drift: dict[str, None] = {}
        self._unused: dict[str, list[Entry]] = defaultdict(list)
        for entry in cassette.entries:
            self._unused[str(entry.after)].append(entry)
        self._known = {each.of for entry in cassette.entries for each in entry.given}
        self._terms = Substitution()
        self._recorded: dict[str, Item] = {}
        self._memo: dict[bytes, Given] = {}

    def next(self, body: Mapping[str, Any], items: list[Item]) -> Entry:
        """The answer to a request with this body and these input items. :raises Refusal: no unused entry follows them."""
        cwd = drift.cwd_of(items)
        back = Substitution({cwd: self._cassette.header.cwd} if cwd and self._cassette.header.cwd else {})
        said = [self._recorded.get(_key(each)) or back.applied(each) for each in emitted(items)]
        waiting = self._unused.get(digest(said))
        if not waiting:
            raise self._divergence(said)
        mine = {each.of: each for each in drift.given(items, cwd, self._memo)} if self._known else {}
        entry = min(waiting, key=lambda each: drift.distance(each, mine))
        waiting.remove(entry)
        self._note(entry, mine, body, cwd)
        return self._in_own_terms(entry, mine, cwd)

    def _note(self, entry: Entry, mine: Mapping[str, Given], body: Mapping[str, Any], cwd: str) -> None:
        found = list(drift.sentences(entry, mine, body, cwd))
        found += [f"{of} is new: {own.text[:80]!r}" for of, own in mine.items() if of not in self._known]
        if self._cassette.header.cwd and not cwd:
            found.append("no request names its working directory, so paths are those of the recording")
        for sentence in found:
            if len(self.drift) < _MOST_DRIFT:
                self.drift[sentence] = None

    def _in_own_terms(self, entry: Entry, mine: Mapping[str, Given], cwd: str) -> Entry:
        if self._cassette.header.cwd and cwd:
            self._terms.words[self._cassette.header.cwd] = cwd
        for each in entry.given:
            own = mine[each.of].handles if each.of in mine else ()
            self._terms.words.update(zip(each.handles, own, strict=False))
        output = [self._terms.applied(item) for item in entry.output]
        for recorded, own_item in zip(emitted(entry.output), emitted(output), strict=True):
            self._recorded[_key(own_item)] = recorded
        return entry.model_copy(update={"output": output})

    def _divergence(self, said: list[Item]) -> Refusal:
        """Follow every entry's output along the request, and say where the last of them leaves it."""
        begins = {digest(said[:count]): count for count in range(len(said) + 1)}
        reached, expected, used_up = 0, set[str](), False
        for entry in self._cassette.entries:
            start = begins.get(str(entry.after))
            if start is None:
                continue
            used_up = used_up or start == len(said)
            answer = emitted(entry.output)
            common = _common(answer, said[start:])
            if start + common > reached:
                reached, expected = start + common, set()
            if start + common == reached and common < len(answer):
                expected.add(_name(answer[common]))
        if self._cassette.header.stopped_by and (used_up or reached == len(said)):
            return Refusal(refusal.BUDGET, self._cassette.header.stopped_by)
        return Refusal(refusal.DIVERGED, self._sentence(said, reached, expected, used_up))

    def _sentence(self, said: list[Item], reached: int, expected: set[str], used_up: bool) -> str:
        where = f"replay diverged from cassette {self._cassette.name!r}"
        total = len(self._cassette.entries)
        if used_up:
            return (
                f"{where}: every answer after {len(said)} model-emitted items was used already ({total} answers in all)"
            )
        if reached == len(said):
            return f"{where}: no answer follows the {len(said)} model-emitted items of the request ({total} answers in all)"
        wanted = f"; expected there: {', '.join(sorted(expected))}" if expected else ""
        return f"{where}: item {reached + 1} of the request ({_name(said[reached])}) differs from every answer{wanted}"


def _key(identity: Item) -> str:
    return digest([identity])


def _common(left: list[Item], right: list[Item]) -> int:
    count = 0
    for mine, yours in zip(left, right, strict=False):
        if mine != yours:
            break
        count += 1
    return count


def _name(item: Item) -> str:
    words = [str(item[key]) for key in ("type", "namespace", "name", "call_id") if key in item]
    said = str(item.get("arguments", item.get("input", item.get("text", ""))))
    return " ".join(words) + (f" {said[:80]!r}" if said else "")

"""Which answer of a cassette comes next, for each of the conversations that run in one session."""

from collections import defaultdict, deque

from oneshot_proxy import refusal
from oneshot_proxy.cassette import Cassette, Entry, Item, digest, emitted
from oneshot_proxy.refusal import Refusal


class Player:
    """Hands out each entry once."""

    def __init__(self, cassette: Cassette) -> None:
        self._cassette = cassette
        self._unused: dict[str, deque[Entry]] = defaultdict(deque)
        for entry in cassette.entries:
            self._unused[str(entry.after)].append(entry)

    def next(self, items: list[Item]) -> Entry:
        """The answer to a request with these input items. :raises Refusal: no unused entry follows them."""
        said = emitted(items)
        waiting = self._unused.get(digest(said))
        if not waiting:
            raise Refusal(refusal.DIVERGED, self._divergence(said))
        return waiting.popleft()

    def _divergence(self, said: list[Item]) -> str:
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
        return self._sentence(said, reached, expected, used_up)

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

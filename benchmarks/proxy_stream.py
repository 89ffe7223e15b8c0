"""What the tracing proxy does to a stream: 200 server-sent events, 5 ms apart, one stream at a time and 32 side by side.

Ours is the program `oneshot-proxy` with open sessions and its store on disk; the floor of the time to the first byte (TTFB, from
before the connection is made) is bare mitmproxy (`mitmdump --set stream_large_bodies=1`) in reverse mode, before the same model
API and with the same client, each a process of its own. An event's delay is the time of its coming less the time of its
writing, which it carries; its floor is no proxy at all, so that `value` less `floor` is the delay that a proxy adds.

32 streams side by side are 6,400 events a second, which is more than either proxy can hand on one by one on one core: events
then come several at a time, and delays are those of a proxy that is full.
"""

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterator

import measure
from asking import Answer, Conversation, connected
from proxied import Place, places

STREAMS, PARALLEL = 200, 32
_SESSIONS = 4  # 32 streams side by side are more than one session may have in flight
type Taken = dict[str, list[Answer]]


async def _stream(place: Place, number: int, conversation: Conversation) -> Answer:
    request = conversation.request(place.tokens[number % len(place.tokens)])
    start = time.monotonic()
    connection = await connected(place)
    try:
        return await connection.ask(request, start)
    finally:
        connection.close()


async def measured(repeat: int) -> list[measure.Measurement]:
    """So many streams of each one after the other, and as many of each, 32 at a time."""
    conversations = [Conversation(number, stream=True) for number in range(PARALLEL)]
    one: Taken = {"ours": [], "bare": [], "direct": []}
    many: Taken = {"ours": [], "bare": [], "direct": []}
    async with places(_SESSIONS) as found:

        async def take(side_by_side: int, taken: Taken, number: int = 0) -> None:
            for place in found if number % 5 == 0 else (found.ours, found.bare):  # no proxy at all: a fifth is enough
                streams = (_stream(place, number, conversations[number]) for number in range(side_by_side))
                taken[place.name] += await asyncio.gather(*streams)

        await take(1, {name: [] for name in one})  # connections, imports, the price table
        for number in range(repeat):
            await take(1, one, number)
        for _ in range(-(-repeat // PARALLEL)):
            await take(PARALLEL, many)
    return [*_judged("stream", one), *_judged(f"stream_{PARALLEL}", many)]


def _judged(name: str, taken: Taken) -> Iterator[measure.Measurement]:
    first = {place: [answer.first for answer in answers] for place, answers in taken.items()}
    delays = {place: list(itertools.chain(*(answer.delays for answer in answers))) for place, answers in taken.items()}
    for place, floor, values, what in (
        ("ours", "bare", first, "ttfb"),
        ("direct", "bare", first, "ttfb_direct"),
        ("ours", "direct", delays, "delay"),
        ("bare", "direct", delays, "delay_bare"),
    ):
        for way, suffix in ((statistics.median, ""), (_p95, "_p95")):
            yield measure.Measurement(
                f"{name}_{what}{suffix}", way(values[place]) * 1e3, way(values[floor]) * 1e3, len(values[place]), "ms"
            )


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


if __name__ == "__main__":
    measure.main(__doc__, STREAMS, measured)

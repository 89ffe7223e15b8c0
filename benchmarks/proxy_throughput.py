"""What the tracing proxy costs a request: 40 KB bodies as Codex sends them, 16 at a time on kept connections, short JSON answers.

Ours is the program `oneshot-proxy` with an open session and its store on disk; the floor is bare mitmproxy (`mitmdump --set
stream_large_bodies=1`) in reverse mode, before the same model API and with the same client, each a process of its own. One
round is the same number of requests by each, taken in turn.
"""

import asyncio
import json
import statistics
import time
from dataclasses import dataclass, field

import measure
from asking import Answer, Conversation, connected
from proxied import Place, places

ROUNDS, PARALLEL, REQUESTS = 5, 16, 30


@dataclass
class Taken:
    """Of one place, each round: seconds a request (the round's time by its requests), and every request's own time."""

    a_request: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)


async def _agent(place: Place, number: int, turns: list[bytes]) -> list[Answer]:
    connection = await connected(place)
    try:
        return [await connection.ask(turn, time.monotonic()) for turn in turns]
    finally:
        connection.close()


async def _round(place: Place, conversations: list[Conversation], taken: Taken) -> None:
    tokens = place.tokens
    # made before: the client must not be what is measured
    turns = [
        [each.request(tokens[number % len(tokens)]) for _ in range(REQUESTS)]
        for number, each in enumerate(conversations)
    ]
    start = time.perf_counter()
    answers = await asyncio.gather(*(_agent(place, number, each) for number, each in enumerate(turns)))
    taken.a_request.append((time.perf_counter() - start) / (PARALLEL * REQUESTS))
    taken.latencies += [each.seconds for some in answers for each in some]


async def measured(repeat: int) -> list[measure.Measurement]:
    """So many rounds of each."""
    taken = {name: Taken() for name in ("ours", "bare", "direct")}
    async with places() as found:
        conversations = [Conversation(number, stream=False) for number in range(PARALLEL)]
        for place in found:
            await _round(place, conversations, Taken())  # connections, imports, the price table
        before = found.log.stat().st_size
        for number in range(repeat):
            for place in sorted(found, key=lambda each: each.name, reverse=bool(number % 2)):
                await _round(place, conversations, taken[place.name])
        stalls = _stalls(found.log.read_bytes()[before:])
    bare = taken["bare"]

    def against_bare(name: str, value: list[float], floor: list[float]) -> measure.Measurement:
        return measure.Measurement(
            name, statistics.median(value) * 1e3, statistics.median(floor) * 1e3, len(value), "ms"
        )

    return [
        against_bare("throughput", taken["ours"].a_request, bare.a_request),
        against_bare("throughput_latency", taken["ours"].latencies, bare.latencies),
        against_bare("throughput_direct", taken["direct"].a_request, bare.a_request),
    ]


def _stalls(log: bytes) -> list[float]:
    rows = (json.loads(line) for line in log.splitlines())
    return [row["seconds"] for row in rows if "seconds" in row]


if __name__ == "__main__":
    measure.main(__doc__, ROUNDS, measured)

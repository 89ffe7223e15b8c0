"""What the tracing proxy costs a request: 40 KB bodies as Codex sends them, 16 at a time on kept connections, short JSON answers.

Ours is the program `oneshot-proxy` with an open session and its store on disk; the floor is bare mitmproxy (`mitmdump --set
stream_large_bodies=1`) in reverse mode, before the same model API and with the same client, each a process of its own. One
round is the same number of requests by each, taken in turn.

`longest_turn` is the longest turn of our event loop in all rounds, for as long every stream stands still; `large_turn` the same
while requests of 12 MB are answered with 10 MB. Their floor is the 50 ms that no turn may take, and 10 ms is the least that is
told. Like all the rest they are wall time, on a busy machine as long as that lets them be; what ends in `cpu` is processor time:
of our process and of bare mitmproxy's a request, of our loop's thread a turn.
"""

import asyncio
import json
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import measure
from asking import Answer, Conversation, connected
from oneshot_proxy.pulse import LONG_SECONDS, TURN
from proxied import Place, places

ROUNDS, PARALLEL, REQUESTS = 5, 16, 30
LARGE_BYTES, LARGE_TIMES = 12 * 1024 * 1024, 3
WARM_SECONDS = 5.0  # until then our loop tells nothing: a start takes its time


@dataclass
class Taken:
    """Of one place, each round: seconds a request (the round's time by its requests), and every request's own time."""

    a_request: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def _cpu_seconds(place: Place) -> float:
    """What a proxy's process has used so far, all threads together; 0 of no proxy."""
    if not place.pid:
        return 0.0
    user, system = Path(f"/proc/{place.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


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
    start, used = time.perf_counter(), _cpu_seconds(place)
    answers = await asyncio.gather(*(_agent(place, number, each) for number, each in enumerate(turns)))
    taken.a_request.append((time.perf_counter() - start) / (PARALLEL * REQUESTS))
    taken.cpu.append((_cpu_seconds(place) - used) / (PARALLEL * REQUESTS))
    taken.latencies += [each.seconds for some in answers for each in some]


async def _large(place: Place) -> None:
    """A request of 12 MB, whose answer has 10."""
    turn = Conversation(PARALLEL, stream=False, size=LARGE_BYTES).request(place.tokens[0])
    for _ in range(LARGE_TIMES):
        await _agent(place, 0, [turn])
    await asyncio.sleep(1)  # what is left to do comes after the answer's last byte


async def measured(repeat: int) -> list[measure.Measurement]:
    """So many rounds of each."""
    taken = {name: Taken() for name in ("ours", "bare", "direct")}
    async with places() as found:
        conversations = [Conversation(number, stream=False) for number in range(PARALLEL)]
        for place in found:
            await _round(place, conversations, Taken())  # connections, imports, the price table
        await asyncio.sleep(WARM_SECONDS)
        start = found.log.stat().st_size
        for number in range(repeat):
            for place in sorted(found, key=lambda each: each.name, reverse=bool(number % 2)):
                await _round(place, conversations, taken[place.name])
        middle = found.log.stat().st_size
        await _large(found.ours)
        log = found.log.read_bytes()
    bare = taken["bare"]
    return [
        _median("throughput", taken["ours"].a_request, bare.a_request),
        _median("throughput_latency", taken["ours"].latencies, bare.latencies),
        _median("throughput_direct", taken["direct"].a_request, bare.a_request),
        _median("throughput_cpu", taken["ours"].cpu, bare.cpu),
        *_longest("throughput_longest_turn", log[start:middle], repeat),
        *_longest("throughput_large_turn", log[middle:], LARGE_TIMES),
    ]


def _median(name: str, value: list[float], floor: list[float]) -> measure.Measurement:
    return measure.Measurement(name, statistics.median(value) * 1e3, statistics.median(floor) * 1e3, len(value), "ms")


def _longest(name: str, log: bytes, times: int) -> Iterator[measure.Measurement]:
    """The longest turn of our event loop, as our log says it; turns of under 10 ms it leaves out."""
    turns = [row for row in map(json.loads, log.splitlines()) if row.get("event") == TURN]
    for suffix, key in ("", "seconds"), ("_cpu", "cpu_seconds"):
        longest = max([0.01, *(turn[key] for turn in turns)])
        yield measure.Measurement(f"{name}{suffix}", longest * 1e3, LONG_SECONDS * 1e3, times, "ms")


if __name__ == "__main__":
    measure.main(__doc__, ROUNDS, measured)

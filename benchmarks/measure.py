"""What the benchmarks share: floor and ours taken in turn, medians, and how a measurement is printed."""

import argparse
import asyncio
import json
import signal
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from oneshot_shared.errors import BadInput, NotReady, sentence

BAD, CANCELLED = 2, 130
type Take = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Measurement:
    """One judged number: our cost (`value`) over the reference's in the same run (`floor`). Medians of `n`, in `unit`."""

    name: str
    value: float
    floor: float
    n: int
    unit: str = "s"

    @property
    def ratio(self) -> float:
        """Lower is better."""
        return self.value / self.floor


async def interleaved(name: str, ours: Take, floor: Take, repeat: int) -> Measurement:
    """Take both in turn, each first every other time. What must be warm has been taken before."""
    seconds: dict[Take, list[float]] = {ours: [], floor: []}
    for number in range(repeat):
        for take in (floor, ours) if number % 2 else (ours, floor):
            start = time.perf_counter()
            await take()
            seconds[take].append(time.perf_counter() - start)
    return Measurement(name, statistics.median(seconds[ours]), statistics.median(seconds[floor]), repeat)


def main(
    doc: str | None, repeat: int, measure: Callable[..., Awaitable[list[Measurement]]], files: tuple[int, ...] = ()
) -> None:
    """A benchmark's command line; `measure` takes how often, and `files`, where that is given, as its second argument.

    Exit code 2 and one sentence where it cannot be taken; Ctrl-C and SIGTERM clean up.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one line of JSON a measurement")
    parser.add_argument(
        "--repeat", type=_positive, default=repeat, metavar="N", help="times each (default: %(default)s)"
    )
    if files:
        parser.add_argument(
            "--files", type=_positive, nargs="+", default=files, metavar="N", help="how many (default: %(default)s)"
        )
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        found = asyncio.run(_all(measure(given.repeat, *([given.files] if files else []))))
    except KeyboardInterrupt:
        raise SystemExit(CANCELLED) from None
    except (BadInput, NotReady) as error:
        print(f"{sys.argv[0]}: {sentence(error)}", file=sys.stderr)
        raise SystemExit(BAD) from None
    for line in _json(found) if given.json else _table(found):
        print(line)


async def _all(measuring: Awaitable[list[Measurement]]) -> list[Measurement]:
    return await measuring


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of times; give 1 or more")
    return int(text)


def _json(found: list[Measurement]) -> Iterator[str]:
    for each in found:
        row: dict[str, Any] = asdict(each) | {"ratio": each.ratio}
        yield json.dumps({key: round(value, 4) if isinstance(value, float) else value for key, value in row.items()})


def _table(found: list[Measurement]) -> Iterator[str]:
    yield f"{'':<28}{'ours':>11}{'floor':>11}{'ratio':>7}{'n':>6}"
    for each in found:
        yield f"{each.name:<28}{each.value:>8.3f} {each.unit:<2}{each.floor:>8.3f} {each.unit:<2}{each.ratio:>7.2f}{each.n:>6}"

"""The tasks of a pairing session when Codex is done: their deliveries are waited for, and what became of each is told."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oneshot_cli.pairing.works import Work, Works

_TICK_SECONDS = 0.2
_LINE_SECONDS = 10.0
type Say = Callable[[str], None]


@dataclass(frozen=True)
class Session:
    """A pairing session: the proxy's id, empty for one that is not recorded, and when Codex was started."""

    session_id: str
    since: datetime

    def has(self, work: "Work") -> bool:
        """Whether a task was started, or ended, in it."""
        sessions = {work.session_id, work.ending.session_id if work.ending else ""}
        if self.session_id:
            return self.session_id in sessions
        latest = datetime.fromisoformat(work.ending.ended_at) if work.ending else work.begun
        return sessions == {""} and latest >= self.since


async def settled(session: Session, left: asyncio.Event, say: Say) -> "Sequence[Work]":
    """The session's tasks, oldest first, once each ended one is created or cannot be for now.

    `left`: when set, nobody waits any longer; the delivery in the background goes on.
    """
    from oneshot_cli.pairing import delivery
    from oneshot_cli.pairing.works import ENDED, Works

    works = Works.here()
    delivery.resume()  # also what earlier sessions could not deliver
    for work in _of(works, session):
        if work.state == ENDED and not left.is_set():
            await _sent(works, work, left, say)
    return _of(works, session)


def _of(works: "Works", session: Session) -> "list[Work]":
    return [work for work in reversed(works.all()) if session.has(work)]


async def _sent(works: "Works", work: "Work", left: asyncio.Event, say: Say) -> None:
    from oneshot_cli.pairing import delivery
    from oneshot_shared.errors import sentence

    sending = asyncio.create_task(delivery.send(works, work))
    leaving = asyncio.create_task(left.wait())
    with _progress(f"creating the task {work.title!r}; Ctrl-C leaves it to the background", say) as tick:
        while not sending.done() and not leaving.done():
            await asyncio.wait([sending, leaving], timeout=_TICK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            tick()
    leaving.cancel()
    if not sending.done():
        sending.cancel()  # the waiting alone: the delivery is a process of its own
        say("left to the background")
    await asyncio.gather(sending, leaving, return_exceptions=True)
    if not sending.cancelled() and (error := sending.exception()):
        say(f"nobody can tell how the delivery stands: {sentence(error)}")


@contextmanager
def _progress(what: str, say: Say) -> Iterator[Callable[[], None]]:
    """What is happening and for how long: on a terminal one line that changes, elsewhere one now and then."""
    from rich.console import Console
    from rich.markup import escape
    from rich.status import Status

    begun = told = time.monotonic()
    console = Console(stderr=True)
    live = Status(escape(what), console=console) if console.is_terminal else None

    def tick() -> None:
        nonlocal told
        now = time.monotonic()
        if live:
            live.update(f"{escape(what)} [{now - begun:.0f} s]")
        elif now - told >= _LINE_SECONDS:
            told = now
            say(f"{what} ({now - begun:.0f} s)")

    if live:
        with live:
            yield tick
    else:
        say(what)
        yield tick


def lines(works: "Sequence[Work]") -> list[str]:
    """What became of each, and what to do next."""
    return [line for work in works for line in _told(work)] or [
        "no task was started in this session; to make one, ask Codex to start a task before the work and to end it after"
    ]


def _told(work: "Work") -> list[str]:
    from oneshot_cli.pairing import telling
    from oneshot_cli.pairing.works import ENDED, STARTED

    told = telling.status(work).text.splitlines()
    if work.state == STARTED:
        told.append(
            "Nothing of it is lost. To go on: codex-synth resume --last; without Codex: oneshot task end, or oneshot task abort."
        )
    elif work.state == ENDED:
        told.append("Next: it is created in the background; oneshot task send waits for it.")
    return told

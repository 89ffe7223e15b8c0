"""Leases: a session is held as long as somebody watches it, and closed when nobody comes back."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator

from oneshot_proxy.records import SessionRecord
from oneshot_proxy.sessions import Sessions

GRACE_SECONDS = 10.0
FIRST_GRACE_SECONDS = 60.0
PAUSE_SECONDS = 1.0


class Leases:
    """Counts who holds which session."""

    def __init__(
        self, sessions: Sessions, grace: float = GRACE_SECONDS, first_grace: float = FIRST_GRACE_SECONDS
    ) -> None:
        self._sessions = sessions
        self._grace = grace
        self._first_grace = first_grace
        self._holders: Counter[str] = Counter()
        self._closing: dict[str, asyncio.Task[None]] = {}
        self._ended = asyncio.Event()

    def expect(self, session_id: str) -> None:
        """Somebody opened it, and will hold it soon: whoever dies before she does must not leave it open for a week."""
        if session_id not in self._holders and session_id not in self._closing:
            self._close_after(self._first_grace, session_id)

    async def hold(self, session_id: str) -> AsyncGenerator[SessionRecord]:
        """The record at once, and at each change, at most one a second; it ends with the session, and when we stop.

        :raises FileNotFoundError: there is no such session, or it is closed.
        """
        if not self._sessions.is_open(session_id):
            raise FileNotFoundError(f"there is no open session {session_id!r}; open one with OpenSession")
        self._holders[session_id] += 1
        if closing := self._closing.pop(session_id, None):
            closing.cancel()
        try:
            with self._sessions.watching(session_id) as changed:
                while True:
                    changed.clear()
                    record = await self._sessions.now(session_id)
                    yield record
                    if record.closed_at or not await self._goes_on(changed):
                        return
        finally:
            self._release(session_id)

    async def _goes_on(self, changed: asyncio.Event) -> bool:
        """Wait for the next change; False when we stop meanwhile."""
        if await self._stopped(PAUSE_SECONDS):
            return False
        waiting = [asyncio.ensure_future(event.wait()) for event in (changed, self._ended)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        return not self._ended.is_set()

    async def _stopped(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._ended.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _release(self, session_id: str) -> None:
        self._holders[session_id] -= 1
        if self._holders[session_id] <= 0:
            del self._holders[session_id]
            if self._sessions.is_open(session_id) and not self._ended.is_set():
                self._close_after(self._grace, session_id)

    def _close_after(self, seconds: float, session_id: str) -> None:
        self._closing[session_id] = asyncio.get_running_loop().create_task(self._close_later(seconds, session_id))

    async def _close_later(self, seconds: float, session_id: str) -> None:
        await asyncio.sleep(seconds)
        del self._closing[session_id]
        if self._sessions.is_open(session_id):
            await self._sessions.close(session_id)

    def end(self) -> None:
        """Let everybody go: the process stops, and the next one closes what it left open."""
        self._ended.set()
        for task in self._closing.values():
            task.cancel()

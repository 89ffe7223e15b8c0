"""The deadline: cuts what still streams when a session's wall time is over, so that no long answer outlives the limit."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from mitmproxy.http import HTTPFlow

from oneshot_proxy import exchange
from oneshot_proxy.exchange import Exchange
from oneshot_proxy.sessions import Sessions


class Deadline:
    """One timer for each call of a run that goes to an upstream, or to what replays one. `connections` gives mitmproxy's live connection handlers."""

    def __init__(self, sessions: Sessions, connections: Callable[[], Iterable[Any]]) -> None:
        self._sessions = sessions
        self._connections = connections
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def request(self, flow: HTTPFlow) -> None:
        """Start the timer of a call that the gate has sent on."""
        found = exchange.of(flow)
        if found is None or not found.forwarded or found.session.live:
            return
        left = found.session.seconds_left + 0.001  # a hair more, so that the limit has passed by then
        loop = asyncio.get_running_loop()
        self._timers[flow.id] = loop.call_later(left, self._cut, flow, found)

    def response(self, flow: HTTPFlow) -> None:
        """The call ended by itself."""
        self._forget(flow)

    def error(self, flow: HTTPFlow) -> None:
        """The call broke off."""
        self._forget(flow)

    def _forget(self, flow: HTTPFlow) -> None:
        if timer := self._timers.pop(flow.id, None):
            timer.cancel()

    def _cut(self, flow: HTTPFlow, found: Exchange) -> None:
        """End the connection to the upstream: mitmproxy's own `kill` does nothing to a flow that streams already."""
        found.cut = found.problem = found.session.stop(found.session.exceeded())
        for handler in self._connections():
            if handler.client is flow.client_conn and (transport := handler.transports.get(flow.server_conn)):
                transport.handler.cancel(found.cut)
        self._sessions.note(found.session)

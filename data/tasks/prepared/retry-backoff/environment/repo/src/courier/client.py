"""The client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from courier.clock import Clock, SystemClock
from courier.config import Config
from courier.errors import StatusError, TimedOut
from courier.messages import Reply, Request
from courier.transport import Transport


class Client:
    """Talks to one service over one transport."""

    def __init__(self, transport: Transport, config: Config | None = None, *, clock: Clock | None = None) -> None:
        self._transport = transport
        self._config = config or Config()
        self._clock = clock or SystemClock()

    def fetch(self, path: str) -> Reply:
        """GET. :raises CourierError: see the README's table."""
        return self._exchange(Request("GET", path, headers=self._config.headers))

    def send(self, path: str, body: Any) -> Reply:
        """POST. The service may act on each one that reaches it."""
        return self._exchange(Request("POST", path, body, self._config.headers))

    def poll(self, path: str, until: Callable[[Reply], bool], *, every: float = 1.0, limit: float = 60.0) -> Reply:
        """Fetch every `every` seconds until `until(reply)` is true. :raises TimedOut: not within `limit` seconds."""
        end = self._clock.monotonic() + limit
        while not until(reply := self.fetch(path)):
            if self._clock.monotonic() + every > end:
                raise TimedOut(f"{path} is not there yet after {limit} s")
            self._clock.sleep(every)
        return reply

    def _exchange(self, request: Request) -> Reply:
        started = self._clock.monotonic()
        reply = self._transport.send(request, timeout=self._config.timeout)
        reply = replace(reply, received_at=self._clock.time(), elapsed=self._clock.monotonic() - started)
        if reply.status >= 400:
            raise StatusError(reply)
        return reply

"""How a request reaches the service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from courier.messages import Reply, Request

Handler = Callable[[Request], Reply]


class Transport(Protocol):
    """Carries one request to the service and its reply back, whatever the status."""

    def send(self, request: Request, timeout: float) -> Reply:
        """:raises ConnectionFailed: nobody answers. :raises TimedOut: no answer within `timeout` seconds."""


class Loopback:
    """Answers from functions in this process, for dry runs."""

    def __init__(self) -> None:
        self._handlers: dict[tuple[str, str], Handler] = {}

    def route(self, method: str, path: str) -> Callable[[Handler], Handler]:
        """Decorate the function that answers `method` on `path`."""

        def register(handler: Handler) -> Handler:
            self._handlers[method, path] = handler
            return handler

        return register

    def send(self, request: Request, timeout: float) -> Reply:
        handler = self._handlers.get((request.method, request.path))
        return handler(request) if handler else Reply(404, f"nothing at {request.method} {request.path}")

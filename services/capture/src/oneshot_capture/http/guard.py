"""Who may ask: the stack's token as a bearer token, from no page of another site, by a name that is ours."""

import hmac
import time
from collections.abc import Sequence

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_QUIET_SECONDS = 10.0


def security(hosts: Sequence[str]) -> TransportSecuritySettings:
    """Loopback and some names more, at any port: a page that had its own name point here would ask by that."""
    names = [*_LOOPBACK, *hosts]
    return TransportSecuritySettings(
        allowed_hosts=[form for name in names for form in (name, f"{name}:*")],
        allowed_origins=[
            f"{scheme}://{form}" for name in names for form in (name, f"{name}:*") for scheme in ("http", "https")
        ],
    )


class Guard:
    """An ASGI application around another. `busy`: what it is doing, a few words; open connections alone do not count."""

    def __init__(self, app: ASGIApp, token: str, allowed: TransportSecuritySettings) -> None:
        self._app = app
        self._wanted = f"Bearer {token}".encode()
        self._named = TransportSecurityMiddleware(allowed)
        self._open = 0
        self._last = -_QUIET_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        refused = await self._named.validate_request(request)
        given = request.headers.get("authorization", "")
        if refused is None and not hmac.compare_digest(given.encode("latin-1"), self._wanted):
            words = "the bearer token is missing or wrong; send `Authorization: Bearer` and the token of this stack"
            refused = JSONResponse({"error": words}, 401, {"WWW-Authenticate": "Bearer"})
        if refused is not None:
            await refused(scope, receive, send)
            return
        counted = request.method != "GET"  # a client's open stream for whatever we might say is no work
        self._open += counted
        try:
            await self._app(scope, receive, send)
        finally:
            self._open -= counted
            self._last = time.monotonic() if counted else self._last

    def busy(self) -> str:
        """Empty when nothing was asked for some seconds: whoever looks now and then shall see a short call too."""
        if self._open:
            return f"{self._open} HTTP requests"
        return "an HTTP client" if time.monotonic() - self._last < _QUIET_SECONDS else ""

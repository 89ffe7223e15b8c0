"""Closes what mitmproxy leaves open.

When an upstream closes its connection after its answer, mitmproxy (12.2) cancels the task that reads from the client, and where
that task waits for a lock, its socket stays open: the client waits for an end that never comes, until the garbage is collected.
"""

from typing import Any

from mitmproxy.connection import Client


class Closer:
    """Needs mitmproxy's table of connections."""

    def __init__(self, proxyserver: Any) -> None:  # noqa: ANN401 -- mitmproxy's own is untyped
        self._proxyserver = proxyserver

    def client_disconnected(self, client: Client) -> None:
        """Nobody will read from it any more."""
        handler = self._proxyserver.connections.get(client.id)
        left = handler.transports.get(client) if handler else None
        if left is not None and left.writer is not None:
            left.writer.close()

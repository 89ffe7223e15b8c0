"""The two doors: mitmproxy on two TCP ports, in this process's event loop.

The gateway is its reverse mode, for agents in sandboxes; the forward door its regular one, for people's own.
"""

import asyncio
import logging
from pathlib import Path
from typing import Any

from mitmproxy.options import Options
from mitmproxy.proxy.mode_specs import ProxyMode

from oneshot_proxy import authority, mitm, wire
from oneshot_proxy.addons.closer import Closer
from oneshot_proxy.addons.deadline import Deadline
from oneshot_proxy.addons.door import Door
from oneshot_proxy.addons.gate import Gate
from oneshot_proxy.addons.live import Live
from oneshot_proxy.addons.ready import Ready
from oneshot_proxy.addons.tap import Tap
from oneshot_proxy.playback_server import PlaybackServer
from oneshot_proxy.relay import Relay
from oneshot_proxy.sessions import Sessions
from oneshot_proxy.settings import ProxySettings
from oneshot_shared import logs, trust
from oneshot_shared.errors import NotReady

_NOWHERE = "reverse:http://127.0.0.1:9"  # the discard port: what the gate does not readdress goes nowhere
_STOP_SECONDS = 5.0
_OPTIONS: dict[str, Any] = {
    "connection_strategy": "lazy",  # eager would close clients before the gate sees their request
    "body_size_limit": str(wire.MAX_BODY),  # of a run's requests; see mitm.py, and door.py for people's
    "tcp_timeout": 3600,  # a model may think for long without sending a byte
    # one connection a call: mitmproxy opens five at most from one of HTTP/2 to a server that knows none
    "http2": False,
    # what is neither HTTP nor TLS would pass a run's tunnel unseen
    "rawtcp": False,
    "websocket": False,
}


class Gateway:
    """mitmproxy with our addons, and the relay in front of it."""

    def __init__(self, settings: ProxySettings, sessions: Sessions) -> None:
        self._settings = settings
        self._sessions = sessions
        self._playback_server = PlaybackServer()
        self._relay: Relay | None = None
        self._running: asyncio.Task[None] | None = None
        self.port = 0
        self.forward_port = 0
        self.ca_certificate = ""

    @property
    def socket(self) -> str:
        """The unix socket that leads here; empty where none is served."""
        return self._settings.gateway_socket

    async def start(self) -> None:
        """Serve. :raises NotReady: with what mitmproxy said. BadInput: the socket's path cannot be used."""
        self._master = self._make_master()
        await self._playback_server.start()
        ready = Ready()
        logging.getLogger().addHandler(ready)
        try:
            gate = Gate(self._sessions, self._playback_server, self._proxyserver)
            self._master.addons.add(Live(self._sessions), gate, Tap(self._sessions), ready)
            deadline = Deadline(self._sessions, lambda: list(self._proxyserver.connections.values()))
            self._master.addons.add(deadline, Closer(self._proxyserver), Door(self._sessions))
            chain = self._master.addons.chain
            chain.insert(0, chain.pop())  # before mitmproxy's own, which would begin TLS
            self._running = asyncio.get_running_loop().create_task(self._master.run())
            waiting = asyncio.get_running_loop().create_task(ready.served.wait())
            await asyncio.wait([self._running, waiting], return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if ready.served.is_set() and not ready.problems:
                # not as an option: mitmproxy takes two free ports for one
                await self._proxyserver.servers.update([ProxyMode.parse(mode) for mode in self._modes()])
        finally:
            logging.getLogger().removeHandler(ready)
        if ready.problems or not ready.served.is_set():
            raise NotReady(
                f"the proxy cannot start: {'; '.join(ready.problems) or 'mitmproxy ended'}; mend that and start again"
            )
        ports = {server.mode.type_name: server.listen_addrs[0][1] for server in self._proxyserver.servers}
        self.port, self.forward_port = ports["reverse"], ports["regular"]
        if self.socket:
            self._relay = Relay(Path(self.socket), self._settings.gateway_host, self.port)
            await self._relay.start()

    def _make_master(self) -> Any:  # noqa: ANN401 -- mitmproxy's addon and option managers are untyped
        state = self._settings.data / "state" / "mitmproxy"
        try:
            self.ca_certificate = authority.ensure(state)
        except OSError as error:
            raise NotReady(f"the proxy's CA cannot be made in {state} ({error.strerror}); free or mend that") from None
        gateway, _ = self._modes()
        master: Any = mitm.master(Options(mode=[gateway], confdir=str(state)))
        master.options.update(**_OPTIONS)
        if self._settings.upstream_ca:
            trust.authorities("ONESHOT_PROXY_UPSTREAM_CA", Path(self._settings.upstream_ca))
            master.options.update(ssl_verify_upstream_trusted_ca=self._settings.upstream_ca)
        return master

    def _modes(self) -> tuple[str, str]:
        """The two doors, as mitmproxy calls them."""
        given = self._settings
        return (
            f"{_NOWHERE}@{given.gateway_host}:{given.gateway_port}",
            f"regular@{given.forward_host}:{given.forward_port}",
        )

    @property
    def _proxyserver(self) -> Any:  # noqa: ANN401 -- mitmproxy looks its addons up by name
        return self._master.addons.get("proxyserver")

    async def stop(self) -> None:
        """Take no more connections, break off the open ones, and record what they had brought. Harmless before `start`."""
        if self._running is None:
            return
        if self._relay:
            await self._relay.stop()
        server = self._proxyserver
        self._master.options.update(server=False)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await server.servers.update([])
                for handler in list(server.connections.values()):
                    for transport in list(handler.transports.values()):
                        if transport.handler:
                            transport.handler.cancel("the gateway stops")
                while server.connections:  # noqa: ASYNC110 -- mitmproxy has no event for it
                    await asyncio.sleep(0.01)
        except TimeoutError:
            logs.get().warning("connections would not end", count=len(server.connections))
        await self._playback_server.stop()
        self._master.shutdown()
        await self._running

"""mitmproxy with no more of its addons than a gateway needs, and each asked only for the events that it wants.

`mitmdump` offers each of a request's eight events to each of its thirty-odd addons, through two context managers an addon: a
third of the time that it spends on a request. What is left out here records, replays, blocks, rewrites or shows flows at the
wish of a person at its console. See benchmarks/README.md.
"""

import inspect
import logging
import re
from collections.abc import Callable
from typing import Any

from h11 import Data, EndOfMessage
from h11._readers import ChunkedReader
from h11._receivebuffer import ReceiveBuffer
from mitmproxy.addonmanager import AddonManager, safecall
from mitmproxy.addons.block import Block
from mitmproxy.addons.core import Core
from mitmproxy.addons.disable_h2c import DisableH2C
from mitmproxy.addons.next_layer import NextLayer
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.addons.update_alt_svc import UpdateAltSvc
from mitmproxy.exceptions import AddonHalt
from mitmproxy.hooks import Hook
from mitmproxy.http import Response
from mitmproxy.master import Master
from mitmproxy.net.http import http1
from mitmproxy.options import Options
from mitmproxy.proxy.commands import CloseConnection, Log
from mitmproxy.proxy.events import ConnectionEvent, DataReceived, Event
from mitmproxy.proxy.layer import CommandGenerator
from mitmproxy.proxy.layers.http import HttpStream, _http1

from oneshot_proxy import refusal
from oneshot_proxy.refusal import Refusal

_SAID = {
    400: "the proxy cannot read this as an HTTP request",
    413: "the body is larger than the proxy takes",
    502: "the upstream could not be reached, or did not answer in HTTP; the record of the call says what happened",
}


class _Addons(AddonManager):
    """mitmproxy's, which looks every addon's handler up again for every event; here it is looked up once."""

    def __init__(self, master: Master) -> None:
        super().__init__(master)  # type: ignore[no-untyped-call] # mitmproxy's addon manager is untyped
        self._handlers: dict[str, list[Callable[..., Any]]] = {}
        self._chain: list[object] = []

    async def trigger_event(self, event: Hook) -> None:
        """As mitmproxy does it: in the order of the addons; one that fails is logged, and the next one is asked."""
        if self._chain != self.chain:
            self._chain, self._handlers = list(self.chain), {}
        handlers = self._handlers.get(event.name)
        if handlers is None:
            handlers = [handler for addon in self.chain for _, handler in self._iter_hooks(addon, event)]
            self._handlers[event.name] = handlers
        try:
            for handler in handlers:
                with safecall():
                    result = handler(*event.args())
                    if inspect.isawaitable(result):
                        await result
        except AddonHalt:
            return


class _Master(Master):
    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.addons = _Addons(self)


def _error_response(status_code: int, message: str = "") -> bytes:
    """mitmproxy's page without its message: it quotes what the upstream sent, and with it the key of an upstream that echoes it."""
    words = _SAID.get(status_code, "the call failed; its record says why")
    headers = {"content-type": "application/json", "connection": "close"}
    answer = Response.make(status_code, Refusal(refusal.UPSTREAM, words, status_code).body(), headers)
    page: bytes = http1.assemble_response(answer)  # type: ignore[no-untyped-call] # mitmproxy's own is untyped
    return page


class _WithoutTrailers(ChunkedReader):
    """A chunked body's reader for which trailers do not exist: mitmproxy raises NotImplementedError, and the call hangs."""

    def __call__(self, buf: ReceiveBuffer) -> Data | EndOfMessage | None:
        event = super().__call__(buf)
        return EndOfMessage() if isinstance(event, EndOfMessage) else event


def _body_reader(expected_size: int | None) -> Any:  # noqa: ANN401 -- one of h11's readers, which share no type
    return _WithoutTrailers() if expected_size is None else _make_body_reader(expected_size)


def _read_answer(self: _http1.Http1Client, event: ConnectionEvent) -> CommandGenerator[None]:
    """As mitmproxy does it, which takes an interim answer (RFC 9110, 15.2) for the answer. None is asked for: mitmproxy itself
    answers `Expect: 100-continue`."""
    while self.request and isinstance(event, DataReceived) and _INTERIM.match(bytes(self.buf)):
        if self.buf.maybe_extract_lines() is None:
            return
    yield from _read_headers(self, event)


_INTERIM = re.compile(rb"HTTP/1\.\d 1(?!01)\d\d[ \r\n]")  # 101 is an answer, and the last one in HTTP
_make_body_reader, _read_headers = _http1.make_body_reader, _http1.Http1Client.read_headers


def _handle_bounded(self: _http1.Http1Server, event: Event) -> CommandGenerator[None]:
    """As mitmproxy does it, which keeps all that a client sends before its turn: a head without an end, or more while it is answered."""
    yield from _handle_event(self, event)
    if len(self.buf) > _MOST_UNREAD:
        self.buf = ReceiveBuffer()
        words = f"a client sent more than {_MOST_UNREAD} bytes before their turn; its connection is closed"
        yield Log(words, logging.WARNING)
        yield CloseConnection(self.conn)


_MOST_UNREAD = 256 * 1024
_handle_event = _http1.Http1Server._handle_event


def _check_request_size(self: HttpStream, request: bool) -> CommandGenerator[bool]:
    """As mitmproxy does it, of requests alone: all answers of upstreams are streamed, and may be larger."""
    return (yield from _check_body_size(self, request)) if request else False


_check_body_size = HttpStream.check_body_size


def _patch() -> None:
    """Mend mitmproxy 12.2.3 where no option does. test_mitm.py notices when a newer one has changed what is mended here."""
    patched: Any = _http1
    patched.make_error_response = _error_response
    patched.make_body_reader = _body_reader
    patched.Http1Client.read_headers = _read_answer
    patched.Http1Server._handle_event = _handle_bounded
    stream: Any = HttpStream
    stream.check_body_size = _check_request_size


def master(options: Options) -> Master:
    """A master that serves, without a console, a dumper and the check that ends the process by sys.exit inside of a task.

    Block refuses clients with public addresses; UpdateAltSvc keeps an upstream from leading agents past the gateway.
    """
    _patch()
    made = _Master(options)
    made.addons.add(Core(), Block(), DisableH2C(), Proxyserver(), NextLayer(), TlsConfig(), UpdateAltSvc())  # type: ignore[no-untyped-call]
    return made

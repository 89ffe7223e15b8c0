"""The forward door: who knocks, and which hosts she may reach. What passes unseen is decided here, before anything is read.

A person's live session reaches every host: model APIs through interception, all others by a tunnel that nobody looks into. A
run's reaches its pinned model API and nothing else. It comes first among the addons: mitmproxy's own would have begun TLS.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from mitmproxy.connection import Client
from mitmproxy.http import HTTPFlow, Response
from mitmproxy.proxy.layer import NextLayer
from mitmproxy.proxy.layers import TCPLayer
from mitmproxy.proxy.mode_specs import RegularMode
from mitmproxy.tcp import TCPFlow
from mitmproxy.tls import TlsData

from oneshot_proxy import exchange, refusal
from oneshot_proxy.refusal import Refusal
from oneshot_proxy.session import Session
from oneshot_proxy.sessions import Sessions
from oneshot_shared import logs

_KEY = "oneshot_door"
_HEADER = "proxy-authorization"
_NOWHERE = ("127.0.0.1", 9)  # the discard port


class Door:
    """Knows the session of each connection to the forward door."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._tunnels: dict[str, Session] = {}
        self._unbounded: dict[str, bool] = {}

    def http_connect(self, flow: HTTPFlow) -> None:
        """A tunnel is asked for."""
        self._unbounded[flow.client_conn.id] = False
        try:
            session = self._knock(flow)
            self._check_host(flow, session)
            self._tunnels[flow.client_conn.id] = session
            self._unbounded[flow.client_conn.id] = session.live
        except Refusal as error:
            flow.response = _answer(error)
        except Exception as error:  # noqa: BLE001 -- a fault of ours must be seen, and nobody unknown may pass
            logs.get().error("the forward door failed", why=type(error).__name__)
            flow.response = _answer(Refusal(refusal.INTERNAL, "the forward proxy failed; see its log", 500))

    def client_disconnected(self, client: Client) -> None:
        """The connection is gone, and its session's name with it."""
        self._tunnels.pop(client.id, None)
        self._unbounded.pop(client.id, None)

    def next_layer(self, nextlayer: NextLayer) -> None:
        """Whoever comes is met with options of her own. Inside a tunnel: what is no model API passes unseen."""
        context = nextlayer.context
        if isinstance(context.client.proxy_mode, RegularMode) and not isinstance(context.options, _Options):
            context.options = _Options(context.options, self._unbounded, context.client.id)  # type: ignore[assignment] # it stands in for them
        session = self._tunnels.get(context.client.id)
        if session is None or not session.live or context.server.address is None:
            return
        if self._sessions.model_host(*context.server.address[:2]) is None:
            nextlayer.layer = TCPLayer(context, ignore=True)

    def tls_failed_client(self, data: TlsData) -> None:
        """The commonest trouble of all: an agent that was not told to trust the authority."""
        session = self._tunnels.get(data.context.client.id)
        if session is not None and "disconnected" not in (data.conn.error or ""):
            host = data.context.server.address[0] if data.context.server.address else "a model API"
            self._sessions.note_trouble(session, f"a connection to {host} failed: the client does not trust our CA")

    def tcp_message(self, flow: TCPFlow) -> None:
        """What passes after a protocol switch is nobody's to keep."""
        flow.messages.clear()

    def requestheaders(self, flow: HTTPFlow) -> None:
        """A request, inside a tunnel or without one. Only a live session's keeps its address."""
        if not is_forward(flow):
            return
        # by `data`: a live session's host header stays as it is
        place = flow.request.data
        session, address = self._tunnels.get(flow.client_conn.id), (place.host, place.port)
        self._unbounded[flow.client_conn.id] = session is not None and session.live
        if session is None or not session.live:
            place.host, place.port = _NOWHERE
        try:
            if session is None:
                session = self._knock(flow)
                self._unbounded[flow.client_conn.id] = session.live
                flow.request.headers.pop(_HEADER, None)
                self._check_host(flow, session, address)
            elif session.live:
                _check_age(session)
        except Refusal as error:
            flow.response = _answer(error)
            return
        flow.metadata[_KEY] = session
        if session.live:
            place.host, place.port = address

    def _knock(self, flow: HTTPFlow) -> Session:
        """The session that the credentials name. :raises Refusal: there is none."""
        name, _, token = _basic(flow.request.headers.get(_HEADER, "")).partition(":")
        session = self._sessions.find(token)
        if session is None or session.spec.session_id != name:
            words = "the proxy wants the name and token of an open session: HTTPS_PROXY=http://SESSION:TOKEN@HOST:PORT"
            raise Refusal(refusal.UNKNOWN_TOKEN, words, 407)
        if session.live and session.expired:
            raise Refusal(refusal.UNKNOWN_TOKEN, f"session {name!r} is over: {session.exceeded()}; open another", 407)
        return session

    def _check_host(self, flow: HTTPFlow, session: Session, address: tuple[str, int] | None = None) -> None:
        """:raises Refusal: a run asks for another host than its model API's; it is recorded."""
        host, port = address or (flow.request.host, flow.request.port)
        if session.live:
            return
        pinned = session.upstream.address if session.upstream else None
        if pinned == (host.lower().rstrip("."), port):
            # whatever name the client's own TLS says, this one's certificate is checked
            flow.server_conn.sni = pinned[0]
            return
        allowed = f"{pinned[0]}:{pinned[1]} only" if pinned else "none, its answers are replayed by the gateway"
        error = Refusal(refusal.HOST, f"the host {host}:{port} is refused; this run may reach {allowed}", 403)
        found = exchange.begin(flow, session)
        found.request_line, found.problem = f"{flow.request.method} {host}:{port}", error.message
        if flow.request.method == "CONNECT":  # of other requests, the tap hears
            patterns = self._sessions.patterns(session)
            self._sessions.keep(session, found.ended(error.status, "application/json", error.body(), patterns))
            found.release()
        raise error


def _check_age(session: Session) -> None:
    """:raises Refusal: the tunnel is older than its session. Of a run's, the gate says the same."""
    if session.closed_at or session.expired:
        raise Refusal(refusal.UNKNOWN_TOKEN, "the session is over; open another", 401)


class _Options:
    """mitmproxy's options for one connection: in a person's, no body is too large, and an upgraded connection goes on.

    `unbounded` says whose connections are a person's. A plain request's length is looked at before anybody knows whose it is: until then
    there is no greatest size either; afterwards it is what has come of the body that counts.
    """

    def __init__(self, options: Any, unbounded: Mapping[str, bool], client_id: str) -> None:  # noqa: ANN401 -- mitmproxy's are untyped
        self._options = options
        self._unbounded = unbounded
        self._client_id = client_id

    @property
    def body_size_limit(self) -> Any:  # noqa: ANN401 -- as above
        """As mitmproxy reads it."""
        return None if self._unbounded.get(self._client_id, True) else self._options.body_size_limit

    @property
    def rawtcp(self) -> bool:
        """As mitmproxy reads it."""
        return self._unbounded.get(self._client_id, False) or bool(self._options.rawtcp)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- as above
        return getattr(self._options, name)


def is_forward(flow: HTTPFlow) -> bool:
    """Whether a flow came by the forward door."""
    return isinstance(flow.client_conn.proxy_mode, RegularMode)


def session_of(flow: HTTPFlow) -> Session | None:
    """Whose flow it is, once the forward door let it in."""
    found = flow.metadata.get(_KEY)
    return found if isinstance(found, Session) else None


def _basic(header: str) -> str:
    """`name:token` of HTTP's Basic credentials (RFC 7617); empty where they are none."""
    kind, _, value = header.partition(" ")
    try:
        return base64.b64decode(value.strip(), validate=True).decode() if kind.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _answer(error: Refusal) -> Response:
    headers = {"content-type": "application/json"}
    if error.status == 407:
        headers["proxy-authenticate"] = 'Basic realm="OneShot Bench"'
    return Response.make(error.status, error.body(), headers)

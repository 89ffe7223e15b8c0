"""The gate: knows the session by its token; refuses, replays or sends on with the real key.

It is one addon on purpose. mitmproxy goes on to the next addon when one fails; here a failure anywhere leaves the request
addressed to the discard port, so that nothing unchecked reaches an upstream.
"""

import asyncio
import contextlib
from typing import Any
from urllib.parse import urlsplit

from mitmproxy.connection import Client
from mitmproxy.http import Headers, HTTPFlow, Response
from mitmproxy.http import Request as HTTPRequest
from mitmproxy.net.http.http1 import expected_http_body_size
from mitmproxy.net.http.url import hostport

from oneshot_proxy import encoding, exchange, offload, playback, refusal, wire
from oneshot_proxy.addons import door
from oneshot_proxy.addons.live import CREDENTIALS
from oneshot_proxy.exchange import Exchange
from oneshot_proxy.playback_server import PlaybackServer
from oneshot_proxy.refusal import Refusal
from oneshot_proxy.room import Room
from oneshot_proxy.session import Session
from oneshot_proxy.sessions import Sessions
from oneshot_proxy.wire import Request
from oneshot_shared import logs
from oneshot_shared.providers import Upstream

_ROOM_SECONDS, _ROOM_STEPS = 0.05, 200
_MAX_OPEN = 64  # those that are refused, come in or are being recorded included
_MAX_UNREAD = 1024 * 1024  # bytes of a refused body that are waited for, so that its sender reads why
_MAX_IN_FLIGHT = 16  # a limit is overshot by no more than these: the usage of a call is known at its end


class Gate:
    """Decides on each request."""

    def __init__(self, sessions: Sessions, playback_server: PlaybackServer, proxyserver: Any) -> None:  # noqa: ANN401 -- mitmproxy's own is untyped
        self._sessions = sessions
        self._playback_server = playback_server
        self._proxyserver = proxyserver
        self._large = asyncio.Lock()

    async def requestheaders(self, flow: HTTPFlow) -> None:
        """Attach the exchange; answer WebSocket upgrades at once, so that Codex falls back to SSE at once."""
        if door.is_forward(flow):
            session = door.session_of(flow)
            if session is not None and session.live:
                return
            if flow.response is not None:
                _drop(flow)
                return
            flow.request.path = _gateway_path(flow.request.path, session)
        else:
            session = self._sessions.find(_token(flow.request.headers))
        found = exchange.begin(flow, session) if session is not None else None
        try:
            await self._expect(flow, found)
        except Refusal as error:
            _refuse(flow, error)
            _drop(flow)

    async def _expect(self, flow: HTTPFlow, found: Exchange | None) -> None:
        """Take the room of a body before it comes: what comes by halves lies in memory too. :raises Refusal: it is not let in."""
        if "websocket" in flow.request.headers.get("upgrade", "").lower():
            raise Refusal(refusal.WEBSOCKET, "WebSockets are not served here; use POST and server-sent events", 426)
        if found is None:
            words = "the token is unknown or was revoked; open a session and use its token as the API key"
            raise Refusal(refusal.UNKNOWN_TOKEN, words, 401)
        session, size = found.session, _size(flow.request)
        if session.unrecorded > _MAX_OPEN:
            raise Refusal(refusal.BUSY, f"more than {_MAX_OPEN} requests of this session are open: wait", 429)
        if size is not None:
            wire.check_size(size)
        wanted = min(wire.MAX_BODY, session.room.size) if size is None else size
        await self._room(flow.client_conn, session.room, wanted)
        found.expect(wanted)

    async def _room(self, client: Client, room: Room, wanted: int) -> None:
        """Wait a while for room: the call before this one may just be being recorded.

        Nothing is read from the client meanwhile, for which mitmproxy's own lock is held: what came would lie in memory.
        """
        handler = self._proxyserver.connections.get(client.id)
        async with handler._drain_lock if handler else contextlib.nullcontext():
            for _ in range(_ROOM_STEPS):
                if not room.left < wanted <= room.size:
                    return
                await asyncio.sleep(_ROOM_SECONDS)

    async def request(self, flow: HTTPFlow) -> None:
        """Refuse, replay or send on."""
        found = exchange.of(flow)
        if found is None or flow.response is not None or (found.session.live and door.is_forward(flow)):
            return
        found.started_at = flow.request.timestamp_end or found.started_at
        try:
            await self._admit(flow, found)
        except Refusal as error:
            _refuse(flow, error)
        except Exception as error:  # noqa: BLE001 -- a fault of ours must be seen, and nothing may go on
            logs.get().error("the gate failed", session=found.session.spec.session_id, exc_info=error)
            words = f"the proxy failed on this request ({type(error).__name__}); see the proxy's log"
            _refuse(flow, Refusal(refusal.INTERNAL, words, 500))

    async def _admit(self, flow: HTTPFlow, found: Exchange) -> None:
        session = found.session
        await self._sessions.caught_up()
        self._check_session(session)
        raw, encoded = flow.request.raw_content or b"", flow.request.headers.get("content-encoding", "")
        # how much comes out of an encoded body, only decoding tells
        size = offload.LARGE if encoded else len(raw)
        # one large body at a time is read, as what comes out of it takes memory that nobody counts
        async with self._large if size >= offload.LARGE else contextlib.nullcontext():
            content, problem = await offload.run(size, encoding.decode, raw, encoded, wire.MAX_BODY)
            found.keep(content)
            speaks = session.upstream.provider.wire_api if session.upstream else "responses"
            wire_api = wire.endpoint(flow.request.method, flow.request.path, speaks)
            if problem:
                words = f"the body cannot be read: {problem}; send it without content encoding"
                raise Refusal(refusal.BAD_REQUEST, words)
            request = await offload.run(len(content), _understood, wire_api, content, session.spec.model)
        self._check_session(session)  # again: while a thread read the body, others may have come
        _check_budget(session)
        if session.player is not None:
            self._replay(flow, found, request)
        elif session.upstream is not None:
            _send_on(flow, request, session.upstream)
        found.forwarded = True
        session.in_flight += 1
        session.requests += 1
        patterns = self._sessions.patterns(session)
        self._sessions.begin(await offload.run(len(content), found.begun, patterns))

    def _check_session(self, session: Session) -> None:
        """Again at the body's end: the session may have been closed since the headers came."""
        if session.live:
            words = "this is a live session's token; its calls go through the forward proxy: set HTTPS_PROXY"
            raise Refusal(refusal.WRONG_DOOR, words)
        if session.closed_at:
            raise Refusal(refusal.UNKNOWN_TOKEN, "the token was revoked; open a session and use its token", 401)
        if problem := self._sessions.recording_problem:
            raise Refusal(refusal.UNRECORDED, f"calls are refused while none can be recorded: {problem}")
        if session.in_flight >= _MAX_IN_FLIGHT:
            words = (
                f"{session.in_flight} calls of this session are in flight; at most {_MAX_IN_FLIGHT} are allowed: wait"
            )
            raise Refusal(refusal.BUSY, words, 429)

    def _replay(self, flow: HTTPFlow, found: Exchange, request: Request) -> None:
        if request.wire_api != "responses":
            raise Refusal(refusal.ENDPOINT, "cassettes answer the Responses API only; use POST /v1/responses")
        assert found.session.player is not None
        try:
            entry = found.session.player.next(request.body, request.items)
        except Refusal as error:
            if error.code == refusal.BUDGET:  # the recorded session ended here at a limit
                found.session.stop(error.message)
            raise
        answer = playback.answer(
            entry,
            found.session.spec.model,
            found.seq,
            stream=request.stream,
            recorded_timing=found.session.player.recorded_timing,
        )
        for name in CREDENTIALS:
            flow.request.headers.pop(name, None)
        self._playback_server.play(flow.request, answer)


def _size(request: HTTPRequest) -> int | None:
    """How many bytes the body will have, as it is sent; None where nothing but its end tells."""
    try:
        return expected_http_body_size(request)
    except ValueError:  # mitmproxy refuses it
        return None


def _drop(flow: HTTPFlow) -> None:
    """Close the connection on a refused body that is large: it would lie in memory until it has come, if ever."""
    size = _size(flow.request)
    if (size is None or size > _MAX_UNREAD) and flow.killable:
        flow.kill()  # type: ignore[no-untyped-call] # mitmproxy's is untyped


def _understood(wire_api: str, content: bytes, model: str) -> Request:
    request = wire.parse(wire_api, content)
    wire.check(request, model)
    return request


def _check_budget(session: Session) -> None:
    if reached := session.exceeded():
        raise Refusal(refusal.BUDGET, session.stop(reached))


def _token(headers: Headers) -> str:
    kind, _, bearer = str(headers.get("authorization", "")).partition(" ")
    return bearer.strip() if kind.lower() == "bearer" else str(headers.get("api-key") or headers.get("x-api-key", ""))


def _gateway_path(path: str, session: Session | None) -> str:
    """A path of the pinned API as the gateway would be asked for it; one that lies elsewhere on its host is kept."""
    url = urlsplit(session.upstream.base_url if session and session.upstream else "")
    root = url.path.rstrip("/")
    plain, _, query = path.partition("?")
    below = plain.removeprefix(root) if plain.startswith(f"{root}/") else ""
    if not below:
        return f"/not-below-{root.strip('/')}{plain}"
    return f"/v1{below}" + (f"?{query}" if query and query != url.query else "")


def _refuse(flow: HTTPFlow, error: Refusal) -> None:
    found = exchange.of(flow)
    if found is not None:
        found.refuse(error.message)
    else:
        logs.get().warning("refused a call without a session", method=flow.request.method, code=error.code)
    flow.response = Response.make(error.status, error.body(), {"content-type": "application/json"})


def _send_on(flow: HTTPFlow, request: Request, upstream: Upstream) -> None:
    """Readdress the request, and put the real key in the token's place."""
    if (content := wire.with_usage(request)) is not None:
        flow.request.headers.pop("content-encoding", None)
        flow.request.content = content
    for name in CREDENTIALS:
        flow.request.headers.pop(name, None)
    flow.request.headers["accept-encoding"] = "identity"  # the tee must see the answer to keep the key out of it
    if upstream.key:
        bearer = upstream.provider.key_header == "authorization"
        flow.request.headers[upstream.provider.key_header] = f"Bearer {upstream.key}" if bearer else upstream.key
    url, (host, port) = urlsplit(upstream.base_url), upstream.address
    path, _, query = flow.request.path.removeprefix("/v1").partition("?")
    queries = "&".join(part for part in (url.query, query) if part)
    flow.request.headers.pop("host", None)  # while it is there, it is made anew at each of the next three steps
    flow.request.scheme = url.scheme
    flow.request.host, flow.request.port = host, port
    flow.request.headers["host"] = hostport(url.scheme, host, port)
    flow.request.path = url.path.rstrip("/") + path + (f"?{queries}" if queries else "")

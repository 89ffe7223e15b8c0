"""A person's own calls: they pass as they are, and what they are is recorded. No trouble of ours ever stops one.

Her credentials are learnt from each request before anything of it is kept, so that no record holds them, wherever they stand.
"""

from functools import partial

from mitmproxy.http import HTTPFlow, Request, Response

from oneshot_proxy import encoding, exchange, headers, offload, refusal
from oneshot_proxy.addons import door
from oneshot_proxy.exchange import Exchange
from oneshot_proxy.hosts import ModelHost
from oneshot_proxy.protocols import reading
from oneshot_proxy.refusal import Refusal
from oneshot_proxy.session import Session
from oneshot_proxy.sessions import Sessions

CREDENTIALS = ("authorization", "api-key", "x-api-key", "cookie", "proxy-authorization")
_SECRET_CHARACTERS = 16


class Live:
    """Decides nothing but WebSockets, and limits where the person set some."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def requestheaders(self, flow: HTTPFlow) -> None:
        """Let it pass as it comes; begin a record where it is a model call."""
        session = door.session_of(flow)
        if session is None or not session.live:
            return
        flow.request.stream = True
        try:
            host = self._sessions.model_host(flow.request.host, flow.request.port)
            if host is not None:
                _learn(session, flow.request)
                self._begin(flow, session, host)
        except Refusal as error:
            flow.request.stream = False
            flow.response = Response.make(error.status, error.body(), {"content-type": "application/json"})
        except Exception as error:  # noqa: BLE001 -- the person's call goes on
            self._sessions.note_trouble(session, f"a call was not recorded ({type(error).__name__})")

    def _begin(self, flow: HTTPFlow, session: Session, host: ModelHost) -> None:
        wire_api = host.wire_api(flow.request.path)
        if wire_api is None:
            return
        found = exchange.begin(flow, session)
        found.wire_api, found.host, found.price_id = wire_api, flow.request.host, host.price_id
        if "websocket" in flow.request.headers.get("upgrade", "").lower():
            found.problem = "WebSockets are not recorded; use POST and server-sent events"
            raise Refusal(refusal.WEBSOCKET, found.problem, 426)
        if reached := session.exceeded():
            found.problem = session.stop(reached)
            raise Refusal(refusal.BUDGET, reached)
        if problem := self._sessions.recording_problem:
            self._sessions.note_trouble(session, f"the trace store cannot be written: {problem}")
        found.forwarded = True
        session.in_flight += 1
        session.requests += found.asks_model
        flow.request.stream = found.keep_request
        found.reader = partial(self._read, flow, found)
        self._sessions.begin(found.begun(self._sessions.patterns(session)))

    def request(self, flow: HTTPFlow) -> None:
        """The body has passed: understand what was kept of it, unless the answer has ended and the tap has done it already."""
        if (found := exchange.of(flow)) is not None:
            found.understand()

    async def _read(self, flow: HTTPFlow, found: Exchange) -> None:
        try:
            found.started_at = flow.request.timestamp_end or found.started_at
            encoded = flow.request.headers.get("content-encoding", "")
            await offload.run(offload.LARGE if encoded else len(found.kept), _understand, found, flow.request)
            patterns = self._sessions.patterns(found.session)
            self._sessions.begin(await offload.run(len(found.request), found.begun, patterns))
        except Exception as error:  # noqa: BLE001 -- the person's call goes on
            self._sessions.note_trouble(found.session, f"a request was not understood ({type(error).__name__})")

    def responseheaders(self, flow: HTTPFlow) -> None:
        """What is not recorded passes as it comes."""
        session = door.session_of(flow)
        if session is not None and session.live and exchange.of(flow) is None and flow.response is not None:
            flow.response.stream = True


def _learn(session: Session, request: Request) -> None:
    """Every credential in the headers, without its scheme. Short ones are settings, placeholders and common words."""
    for raw_name, raw_value in request.headers.fields:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("utf-8", "replace")
        found = [value.split(" ")[-1]] if headers.secret(name) else []
        if name == "cookie":
            found = [pair.partition("=")[2].strip() for pair in value.split(";")]
        for each in found:
            if len(each) >= _SECRET_CHARACTERS:
                session.learn(each)


def _understand(found: Exchange, request: Request) -> None:
    raw = bytes(found.kept) or request.raw_content or b""
    found.request, problem = encoding.decode(raw, request.headers.get("content-encoding", ""))
    found.problem = found.kept.problem("request") or problem
    body = (
        reading.json_object(found.request) or {}
    )  # where it is none it is kept as it is, and whoever decodes it says so
    found.model = reading.string(body.get("model"))

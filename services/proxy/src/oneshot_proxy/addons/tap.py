"""The tap: tees what comes back, and records every exchange that carried a session's token."""

import asyncio
from collections.abc import Callable

from mitmproxy.http import HTTPFlow, Response
from mitmproxy.net.http.status_codes import RESPONSES

from oneshot_proxy import alarms, exchange, offload, outcome, redact
from oneshot_proxy.exchange import Exchange
from oneshot_proxy.outcome import Outcome
from oneshot_proxy.sessions import Sessions
from oneshot_proxy.tee import Tee

_CLIENT_LEFT = "client disconnected"
_UPSTREAM_FAULTS = frozenset({401, 402, 403, 404, 408, 429})


class Tap:
    """Records what the gate let through, and what it refused."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._recording: set[asyncio.Task[object] | None] = set()

    def responseheaders(self, flow: HTTPFlow) -> None:
        """Stream what comes from an upstream, or from a cassette, through a tee."""
        found, response = exchange.of(flow), flow.response
        if found is None or response is None or not found.forwarded:
            return
        flow.request.data.content = None  # it has been sent, and what there was room for is kept
        patterns = found.session.upstream_patterns
        if patterns:
            response.headers.fields = tuple(
                (redact.clean(name, patterns), redact.clean(value, patterns)) for name, value in response.headers.fields
            )
        if not found.session.live:
            response.reason = RESPONSES.get(response.status_code, "")  # an upstream may say the key in it
        kind, encoding = response.headers.get("content-type", ""), response.headers.get("content-encoding", "")
        found.tee = Tee(kind, encoding, patterns, found.count, found.share)
        if found.tee.decodes:
            response.headers.pop("content-encoding", None)
            if response.headers.pop("content-length", None):  # HTTP/1 needs another end then; HTTP/2 has its own
                response.headers["transfer-encoding"] = "chunked"
        response.stream = self._never_failing(found, found.tee) if found.session.live else _chunks(found.tee)

    def _never_failing(self, found: Exchange, tee: Tee) -> Callable[[bytes], bytes]:
        """A person's answer goes on, whatever becomes of its record."""

        def passing(chunk: bytes) -> bytes:
            try:
                return tee(chunk)
            except Exception as error:  # noqa: BLE001 -- as above
                self._sessions.note_trouble(found.session, f"an answer was not recorded ({type(error).__name__})")
                return chunk

        return passing

    async def response(self, flow: HTTPFlow) -> None:
        """The exchange ended as HTTP wants it."""
        if (found := exchange.of(flow)) is not None and flow.response is not None:
            recording = self._try_to_record(found, flow.response, "")
            if found.session.live:  # mitmproxy holds the answer's end back until we are done: a person's does not wait
                self._recording.add(asyncio.get_running_loop().create_task(recording))
            else:
                await recording

    async def error(self, flow: HTTPFlow) -> None:
        """The exchange broke off: no connection, a cut stream, or an agent that left."""
        if (found := exchange.of(flow)) is not None:
            await self._try_to_record(found, flow.response, flow.error.msg if flow.error else "broken off")

    async def done(self) -> None:
        """mitmproxy ends: what is being recorded is waited for."""
        if tasks := {task for task in self._recording if task}:
            await asyncio.wait(tasks)

    async def _try_to_record(self, found: Exchange, response: Response | None, broken: str) -> None:
        if found.recorded:
            return
        found.recorded = True
        task = asyncio.current_task()
        self._recording.add(task)
        try:
            await found.understood()
            await self._record(found, response, broken)
        except Exception as error:
            self._sessions.note_trouble(found.session, f"a call was not recorded ({type(error).__name__})")
            if not found.session.live:
                raise
        finally:
            found.end(response.status_code if response is not None else 0, b"")  # where it failed before it did so
            found.release()
            self._recording.discard(task)

    async def _record(self, found: Exchange, response: Response | None, broken: str) -> None:
        body, result, problem = await self._read(found, response, bool(broken))
        found.count(result.usage)
        status = response.status_code if response is not None else 0
        found.end(status, body, left=_left(broken))
        failure = _failure(found, status, result, body, broken) if found.forwarded and not found.cut else ""
        patterns = self._sessions.patterns(found.session)
        failure = redact.clean_text(failure, patterns)
        left = broken if broken and not failure and not found.cut and not result.finished else ""
        found.session.trouble[alarms.CUT_SHORT] += bool(found.tee and problem) or _request_is_cut(found, broken)
        found.problem = "; ".join(word for word in (found.problem, failure, left, problem) if word)
        found.unread = problem
        kind = response.headers.get("content-type", "") if response is not None else ""
        found.response_fields = response.headers.fields if response is not None else ()
        size = len(found.request) + len(body)
        record = await offload.run(size, found.ended, status, kind, body, patterns)
        if found.forwarded and found.asks_model:
            found.session.settle(status, result, failure, decoded=found.decoded)
        self._sessions.keep(found.session, record)

    async def _read(self, found: Exchange, response: Response | None, broken: bool) -> tuple[bytes, Outcome, str]:
        if found.tee is not None:
            found.tee(b"")
            return await offload.run(found.tee.size, found.tee.end, broken)
        return (response.raw_content or b"") if response is not None else b"", Outcome(), ""


def _chunks(tee: Tee) -> Callable[[bytes], list[bytes]]:
    """What the tee holds back must not become an empty chunk: that is how HTTP/1 ends a body."""

    def passing(chunk: bytes) -> list[bytes]:
        data = tee(chunk)
        return [data] if data else []

    return passing


def _request_is_cut(found: Exchange, broken: str) -> bool:
    """Whether not all of a request that went on could be kept. What a person's agent broke off itself is no trouble."""
    return found.kept.cut or bool(found.session.live and found.forwarded and found.problem and not broken)


def _failure(found: Exchange, status: int, result: Outcome, body: bytes, broken: str) -> str:
    """What the upstream did wrong, as a sentence; empty where it did nothing wrong, or the agent left first."""
    name = found.upstream_name
    if _left(broken) or (result.finished and not result.failure and status < 400):
        return ""
    if not status:
        return f"{name} could not be reached: {broken}{_next_step(found, status)}"
    if status in _UPSTREAM_FAULTS or status >= 500:
        return f"{name} answered {status}: {outcome.error_body_words(body) or 'no message'}{_next_step(found, status)}"
    if status >= 400:
        return ""
    if result.failure and not broken:
        return f"{name} answered {status}, but failed: {result.failure}"
    return f"{name} broke off its answer: {broken or 'the stream ended without its last event'}"


def _left(broken: str) -> bool:
    return broken.lower().startswith(_CLIENT_LEFT)


def _next_step(found: Exchange, status: int) -> str:
    """Which variable to look at, where one can help."""
    upstream = found.session.upstream
    if upstream is None:
        return ""
    if status in (401, 403):
        return f"; check {upstream.provider.key_variable}"
    return f" ({upstream.base_url}; check {upstream.provider.base_url_variable})" if not status else ""

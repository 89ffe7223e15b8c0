"""Who may call: keys, open sessions and their tokens. All of it lives in memory only; the store holds the records."""

import asyncio
import contextlib
import math
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager

from oneshot_proxy import alarms, cassette, hosts, prices, redact
from oneshot_proxy.exports import cassette as replayable
from oneshot_proxy.exports.contract import Losses
from oneshot_proxy.hosts import ModelHost
from oneshot_proxy.player import Player
from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_proxy.room import Room
from oneshot_proxy.session import Limits, Session, Spec, token_digest
from oneshot_proxy.storage.reader import Verification
from oneshot_proxy.store import Pruned, Store
from oneshot_proxy.usage import Usage
from oneshot_shared import logs, providers
from oneshot_shared.errors import BadInput, nearest

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MAX_MODEL = 200
_SETTLE_SECONDS = 10.0  # on a machine at work: what is recorded a moment too late spoils an honest run's count
_TOLD_SECONDS = 3600.0
_CATCH_UP_SECONDS, _CATCH_UP_STEPS = 0.05, 200


class Sessions:
    """The core of the service; it knows neither gRPC nor HTTP."""

    def __init__(
        self,
        store: Store,
        secrets: redact.Secrets,
        model_hosts: tuple[ModelHost, ...] = (),
        room: Room | None = None,
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._model_hosts = model_hosts
        self._room = room or Room()
        self._watchers: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._variables: dict[str, str] = {}
        self._open: dict[str, Session] = {}
        self._by_token: dict[bytes, Session] = {}
        self._ending: dict[str, Session] = {}  # closed, but perhaps with calls that are not recorded yet

    def put_keys(self, variables: Mapping[str, str]) -> None:
        """Take provider variables. :raises BadInput: a name that no provider knows; then none is taken."""
        for name, value in variables.items():
            if name not in providers.VARIABLES:
                known = sorted(providers.VARIABLES)
                raise BadInput(
                    f"variable {name!r} belongs to no provider{nearest(name, known)}; known: {', '.join(known)}"
                )
            providers.check_value(name, value)
        key_names = {provider.key_variable for provider in providers.PROVIDERS.values()}
        for name, value in variables.items():
            self._variables[name] = value.strip()
            if name in key_names:
                self._secrets.add(value.strip())

    async def open(self, spec: Spec, validate_only: bool = False) -> Session:
        """Check everything, then open.

        :raises BadInput: as the contract says. NotReady: key or address missing. FileExistsError: the id is taken.
        """
        tape = await self._exported(spec.recorded_session) if spec.recorded_session else spec.cassette
        session = await asyncio.to_thread(self._checked, spec, tape)
        session.room = self._room.part()
        taken = await self._store.session(spec.session_id)
        self._close_forgotten()
        present = self._open.get(spec.session_id)
        if validate_only:
            return session
        if present and present.spec == spec:
            return present
        if present or taken:
            raise FileExistsError(f"session id {spec.session_id!r} is taken by another session; choose a new one")
        self._open[spec.session_id] = session
        self._by_token[token_digest(session.token)] = session
        self._store.put(session.record())
        return session

    def _checked(self, spec: Spec, recorded: tuple[str, bytes] | None) -> Session:
        if not _ID.fullmatch(spec.session_id):
            raise BadInput(
                f"session id {spec.session_id!r} must be 1 to 128 letters, digits, '.', '_' or '-'; choose such a one"
            )
        _check_limits(spec.limits)
        if spec.kind == "live":
            return Session(spec, None, None, price_known=True)
        if not spec.model or not spec.model.isprintable() or len(spec.model) > _MAX_MODEL:
            raise BadInput(f"model {spec.model!r} must be 1 to {_MAX_MODEL} printable characters, such as 'gpt-5.5'")
        if recorded is not None:
            tape = cassette.parse(*recorded)
            if tape.header.model != spec.model:
                raise BadInput(
                    f"cassette {tape.name!r} holds answers of {tape.header.model!r}, not of {spec.model!r}; ask for that model"
                )
            player = Player(tape, recorded_timing=spec.recorded_timing)
            return Session(spec, None, player, price_known=True)
        upstream = providers.resolve(spec.provider, self._variables)
        return Session(spec, upstream, None, prices.known(upstream.provider.price_id, spec.model))

    async def _exported(self, session_id: str) -> tuple[str, bytes]:
        """What a session recorded, as a cassette. :raises BadInput: it is none that can be replayed."""
        record = await self._store.session(session_id)
        if record is None:
            raise BadInput(
                f"this stack's trace store has no session {session_id!r} to replay; `oneshot trace list` shows those that it "
                "has, and a run that was recorded by another stack is replayed there: add --endpoint"
            )
        if session_id in self._open:
            raise BadInput(f"session {session_id!r} is still open; replay it when it has ended")
        pieces = [piece async for piece in replayable.export(record, self._store.calls(session_id), Losses())]
        return session_id, b"".join(pieces)

    async def close(self, session_id: str, agent_usage: Usage | None = None) -> SessionRecord:
        """Revoke the token; the final record, with the alarm where the agent's own count of tokens differs.

        What is in flight goes on to its end and is recorded; some seconds are given to the calls of an agent that has just left,
        so that they are in the record already. :raises FileNotFoundError: no such session.
        """
        if session := self._open.get(session_id):
            self._revoke(session, agent_usage)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SETTLE_SECONDS):
                    while session.unrecorded:  # noqa: ASYNC110 -- an event for a wait of milliseconds would cost more lines
                        await asyncio.sleep(0.005)
            self.note(session)
        return await self.get(session_id)

    def _revoke(self, session: Session, agent_usage: Usage | None = None) -> None:
        del self._open[session.spec.session_id], self._by_token[token_digest(session.token)]
        self._ending = {**self._not_recorded(), session.spec.session_id: session}
        session.closed_at = time.time()
        session.agent_usage = agent_usage
        self.note(session)

    def _not_recorded(self) -> dict[str, Session]:
        return {session_id: session for session_id, session in self._ending.items() if session.unrecorded}

    def _close_forgotten(self) -> None:
        """Those that died of age, an hour later: until then, their agents are told why they are refused."""
        for session in list(self._open.values()):
            if session.seconds - session.max_seconds > _TOLD_SECONDS:
                self._revoke(session)

    async def get(self, session_id: str) -> SessionRecord:
        """The record as it stands. :raises FileNotFoundError: no such session."""
        if record := await self._store.session(session_id):
            return record
        raise FileNotFoundError(f"there is no session {session_id!r}; list them with ListSessions")

    async def now(self, session_id: str) -> SessionRecord:
        """The same from memory, while the session is open: a store that cannot answer ends no lease. Without its sizes in the store."""
        session = self._open.get(session_id)
        return session.record() if session else await self.get(session_id)

    async def newest(self, limit: int) -> list[SessionRecord]:
        """The newest sessions, newest first."""
        return await self._store.sessions(limit)

    async def calls(self, session_id: str) -> AsyncIterator[CallRecord]:
        """A session's recorded calls. :raises FileNotFoundError: no such session."""
        await self.get(session_id)
        async for call in self._store.calls(session_id):
            yield call

    async def verify(self, session_id: str) -> Verification:
        """Whether the store holds what was recorded. :raises FileNotFoundError: no such session."""
        await self.get(session_id)
        return await self._store.verify(session_id)

    async def prune(self, session_ids: Sequence[str], older_than: float | None, dry_run: bool) -> Pruned:
        """Delete closed sessions. :raises FileNotFoundError, NotReady: one of the named is not there, or is open.

        One whose calls are not all recorded yet, as an upload that lasts, counts as open: it would come back with them.
        """
        return await self._store.prune(session_ids, older_than, dry_run, self._not_recorded().keys())

    def find(self, token: str) -> Session | None:
        """The session behind a token that was not revoked."""
        return self._by_token.get(token_digest(token))

    def model_host(self, host: str, port: int) -> ModelHost | None:
        """The model API that answers there, if one does: of the table, the settings, or a provider whose address is known."""
        mine = (
            hosts.of_url(providers.base_url(provider, self._variables), provider)
            for provider in providers.PROVIDERS.values()
        )
        return hosts.find((*filter(None, mine), *hosts.TABLE, *self._model_hosts), host, port)

    def note(self, session: Session) -> None:
        """Have the session's state written, and those told who watch it."""
        session.trouble[alarms.LOST] = self._store.lost_calls(session.spec.session_id)
        self._store.put(session.record())
        for watcher in self._watchers.get(session.spec.session_id, ()):
            watcher.set()

    def note_trouble(self, session: Session, what: str) -> None:
        """Count what went wrong with the recording of a session: an alarm, which never stops a person's call."""
        logs.get().warning("a call is not recorded as it should be", session=session.spec.session_id, why=what)
        session.trouble[what] += 1
        self.note(session)

    def is_open(self, session_id: str) -> bool:
        """Whether its token is known, though it may be dead of age."""
        return session_id in self._open

    @contextmanager
    def watching(self, session_id: str) -> Iterator[asyncio.Event]:
        """An event that is set at each change of a session."""
        changed = asyncio.Event()
        self._watchers[session_id].add(changed)
        try:
            yield changed
        finally:
            self._watchers[session_id].discard(changed)
            if not self._watchers[session_id]:
                del self._watchers[session_id]

    def begin(self, call: CallRecord) -> None:
        """Have a call written that is on its way: what is known of it, should this process be killed."""
        self._store.begin(call)

    def keep(self, session: Session, call: CallRecord) -> None:
        """Have a call written, and with it the session's state."""
        self._store.put(call)
        self.note(session)

    def patterns(self, session: Session) -> tuple[bytes, ...]:
        """What must not stand in a record of this session: every key, its own token, and what its person logs in with."""
        return (*self._secrets.patterns, *session.token_patterns, *session.learned)

    def log_patterns(self) -> tuple[bytes, ...]:
        """What must not stand in a log."""
        open_ones = (
            pattern for session in self._open.values() for pattern in (*session.token_patterns, *session.learned)
        )
        return (*self._secrets.patterns, *open_ones)

    @property
    def recording_problem(self) -> str:
        """Why nothing can be recorded at the moment; empty when it can."""
        return self._store.problem

    async def caught_up(self) -> None:
        """Wait a while for a store that is only slow: what can wait must not be refused."""
        for _ in range(_CATCH_UP_STEPS):
            if not self._store.behind:
                return
            await asyncio.sleep(_CATCH_UP_SECONDS)

    def busy(self) -> str:
        """A few words while sessions are open."""
        live = sum(not session.expired for session in self._open.values())
        return f"{live} live session{'s' if live > 1 else ''}" if live else ""


def _check_limits(limits: Limits) -> None:
    if not math.isfinite(limits.cost_usd) or limits.cost_usd < 0:
        raise BadInput(f"cost limit {limits.cost_usd} must be a number of US dollars from 0 (no limit) on")

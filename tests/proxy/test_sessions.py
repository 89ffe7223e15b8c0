"""Who may call."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from oneshot_proxy.redact import Secrets
from oneshot_proxy.session import Limits, Spec
from oneshot_proxy.sessions import Sessions
from oneshot_proxy.store import Store
from oneshot_proxy.usage import Usage
from oneshot_shared.errors import BadInput, NotReady
from proxy.test_cassette import HEADER, lines

KEYS = {"OPENAI_API_KEY": "sk-canary-123"}
SPEC = Spec("run-1", "gpt-5", "openai")


@pytest.fixture
async def sessions(tmp_path: Path) -> AsyncIterator[Sessions]:
    store = Store(tmp_path / "proxy.sqlite")
    yield Sessions(store, Secrets())
    await store.close()


async def test_a_repeat_is_harmless_and_a_taken_id_is_not(sessions: Sessions) -> None:
    sessions.put_keys(KEYS)
    session = await sessions.open(SPEC)
    assert await sessions.open(SPEC) is session
    assert sessions.find(session.token) is session
    with pytest.raises(FileExistsError, match="'run-1' is taken"):
        await sessions.open(Spec("run-1", "gpt-5-mini", "openai"))
    await sessions.close("run-1")
    assert sessions.find(session.token) is None
    with pytest.raises(FileExistsError):
        await sessions.open(SPEC)
    assert await sessions.close("run-1") == await sessions.get("run-1")


async def test_closing_waits_for_what_is_being_recorded(sessions: Sessions) -> None:
    sessions.put_keys(KEYS)
    session = await sessions.open(SPEC)
    session.unrecorded = 1
    closing = asyncio.ensure_future(sessions.close("run-1"))
    await asyncio.sleep(1.5)
    assert sessions.find(session.token) is None
    assert not closing.done(), "a slow disk must not spoil an honest run"
    session.usage += Usage(input_tokens=7)
    session.unrecorded = 0
    assert (await closing).usage.input_tokens == 7


async def test_a_session_with_a_call_that_is_not_recorded_yet_is_not_pruned(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oneshot_proxy.sessions._SETTLE_SECONDS", 0.01)
    sessions.put_keys(KEYS)
    uploading, done = await sessions.open(SPEC), await sessions.open(Spec("run-2", "gpt-5", "openai"))
    uploading.unrecorded = 1
    await sessions.close("run-1")
    await sessions.close("run-2")
    with pytest.raises(NotReady, match="session 'run-1' is open or has calls in flight"):
        await sessions.prune(["run-1"], None, dry_run=False)
    assert (await sessions.prune([], 0.0, dry_run=False)).session_ids == (done.spec.session_id,)
    uploading.unrecorded = 0
    assert (await sessions.prune([], 0.0, dry_run=False)).session_ids == ("run-1",)


async def test_a_forgotten_session_is_closed_without_a_wait(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oneshot_proxy.sessions._TOLD_SECONDS", -1e9)
    sessions.put_keys(KEYS)
    (await sessions.open(SPEC)).unrecorded = 1
    async with asyncio.timeout(5):
        await sessions.open(Spec("run-2", "gpt-5", "openai"))
    assert (await sessions.get("run-1")).closed_at


async def test_validation_opens_nothing(sessions: Sessions) -> None:
    sessions.put_keys(KEYS)
    checked = await sessions.open(SPEC, validate_only=True)
    assert checked.price_known
    assert sessions.find(checked.token) is None
    with pytest.raises(FileNotFoundError, match="no session 'run-1'"):
        await sessions.get("run-1")
    assert sessions.busy() == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"session_id": ""}, "session id ''"),
        ({"session_id": "a/b"}, "session id 'a/b'"),
        ({"model": ""}, "model ''"),
        ({"model": "a\nb"}, "printable"),
        ({"provider": "openia"}, "did you mean 'openai'"),
        ({"provider": "", "cassette": ("demo", b"")}, "cassette 'demo' has 0 lines"),
        (
            {"provider": "", "cassette": ("demo", lines(HEADER | {"model": "gpt-4"}, {}))},
            "answers of 'gpt-4', not of 'gpt-5'",
        ),
        ({"limits": Limits(cost_usd=float("nan"))}, "cost limit nan"),
        ({"limits": Limits(cost_usd=-1)}, "cost limit -1"),
    ],
)
async def test_bad_input_is_refused_before_anything_is_opened(
    sessions: Sessions, change: dict[str, Any], words: str
) -> None:
    values: dict[str, Any] = {"session_id": "run-1", "model": "gpt-5", "provider": "openai"} | change
    with pytest.raises(BadInput, match=words):
        await sessions.open(Spec(**values))


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "export OPENAI_API_KEY"),
        (KEYS | {"OPENAI_BASE_URL": "api.openai.com"}, "set OPENAI_BASE_URL"),
        (KEYS | {"OPENAI_BASE_URL": "https://me:secret@host/v1"}, "OPENAI_BASE_URL must be"),
        (KEYS | {"OPENAI_BASE_URL": "http://host:0/v1"}, "OPENAI_BASE_URL must be"),
        (KEYS | {"OPENAI_BASE_URL": "http://host:99999/v1"}, "OPENAI_BASE_URL must be"),
    ],
)
async def test_a_missing_key_or_address_is_not_ready(sessions: Sessions, variables: dict[str, str], words: str) -> None:
    sessions.put_keys(variables)
    with pytest.raises(NotReady, match=words) as caught:
        await sessions.open(SPEC)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (KEYS | {"OPENAI_KEY": "x"}, "did you mean 'OPENAI_API_KEY'"),
        ({"OPENAI_API_KEY": "a\nb"}, "holds a space, line break"),
    ],
)
async def test_unusable_variables_are_refused_whole(sessions: Sessions, variables: dict[str, str], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        sessions.put_keys(variables)
    with pytest.raises(NotReady):
        await sessions.open(SPEC)


async def test_the_key_is_pinned_at_the_opening(sessions: Sessions) -> None:
    sessions.put_keys(KEYS)
    session = await sessions.open(SPEC)
    sessions.put_keys({"OPENAI_API_KEY": "sk-another-456"})
    assert session.upstream is not None
    assert session.upstream.key == "sk-canary-123"
    assert b"sk-canary-123" in sessions.patterns(session)


async def test_live_sessions_keep_the_service_busy(sessions: Sessions) -> None:
    sessions.put_keys(KEYS)
    await sessions.open(SPEC)
    assert sessions.busy() == "1 live session"
    await sessions.open(Spec("run-2", "gpt-5", "openai"))
    assert sessions.busy() == "2 live sessions"
    await sessions.close("run-1")
    await sessions.close("run-2")
    assert sessions.busy() == ""
    assert [record.session_id for record in await sessions.newest(5)] == ["run-2", "run-1"]


async def test_calls_that_the_store_lost_are_an_alarm(sessions: Sessions) -> None:
    sessions.put_keys(KEYS)
    session = await sessions.open(SPEC)
    sessions._store._writer.lost[SPEC.session_id] = 2
    sessions.note(session)
    lost = "a call was lost, as the trace store could not be written in time (2 times)"
    assert (await sessions.get(SPEC.session_id)).alarms == (lost,)

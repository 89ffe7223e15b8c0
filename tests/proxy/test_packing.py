"""Between records and messages."""

import time
from dataclasses import replace

import pytest

from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot_proxy import packing
from oneshot_proxy.exports.contract import Slice
from oneshot_proxy.records import SessionRecord
from oneshot_proxy.usage import Usage
from oneshot_shared.errors import BadInput

RECORD = SessionRecord("run-1", "gpt-5", "openai", 100.0, 0.0, 0.0, 0, 0, Usage(), "", "")


def test_times_of_a_session() -> None:
    packed = packing.session(RECORD)
    assert (packed.open, packed.opened_at, packed.closed_at) == (True, "1970-01-01T00:01:40.000Z", "")
    closed = packing.session(replace(RECORD, closed_at=101.5))
    assert (closed.open, closed.closed_at) == (False, "1970-01-01T00:01:41.500Z")
    expired = packing.session(replace(RECORD, expires_at=160.0))
    assert (expired.open, expired.closed_at) == (False, "1970-01-01T00:02:40.000Z")
    assert packing.session(replace(RECORD, expires_at=time.time() + 60)).open


def test_every_kind_of_session_has_its_name() -> None:
    assert set(packing.KINDS.values()) | {pb.SESSION_KIND_UNSPECIFIED} == set(pb.SessionKind.values())
    assert packing.session(replace(RECORD, kind="live")).kind == pb.SESSION_KIND_LIVE


def test_a_part_of_a_session() -> None:
    asked = pb.Slice(
        task_id="t", thread_id="a", begin_call_id="b", end_call_id="c", repository="/d/", final_message="e"
    )
    assert packing.part(asked) == Slice("t", "a", "b", "c", "/d", "e")
    with pytest.raises(BadInput, match="the slice names no task; give its id"):
        packing.part(pb.Slice(thread_id="a"))

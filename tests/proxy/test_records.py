"""What the store keeps."""

from dataclasses import replace

from oneshot_proxy.records import SessionRecord
from oneshot_proxy.usage import Usage

RECORD = SessionRecord("run-1", "gpt-5", "openai", 100.0, 0.0, 0.0, 0, 0, Usage(), "", "")


def test_a_session_is_open_until_it_was_closed_or_has_expired() -> None:
    assert RECORD.is_open(1e12)
    assert not replace(RECORD, closed_at=101.0).is_open(101.0)
    expiring = replace(RECORD, expires_at=160.0)
    assert (expiring.is_open(159.9), expiring.is_open(160.0)) == (True, False)

"""Between records and JSON."""

import json
from dataclasses import fields, replace

import pytest

from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_proxy.storage import records
from oneshot_proxy.usage import Usage
from proxy.test_records import RECORD
from proxy.test_store import CALL

KEY = {"session_id": "run-1", "seq": 1, "request": CALL.request, "response": CALL.response}


def test_records_come_back() -> None:
    full = replace(RECORD, alarms=("a", "b"), drift=("é\ud800",), usage=Usage(1, 2, 3, 4, None))
    assert records.session(records.dump(full), session_id="run-1", stored_bytes=0, body_bytes=0) == full
    call = replace(CALL, request_headers=(("a", "b"), ("c", "d")), undecoded=("x",), first_token_seconds=0.1)
    assert records.call(records.dump(call), False, **KEY) == call


def test_no_body_is_among_the_fields() -> None:
    kept = {field.name for field in fields(CallRecord)} - set(KEY)
    assert set(json.loads(records.dump(CALL))) == kept


def test_a_cut_call_has_no_end() -> None:
    cut = records.call(records.dump(CALL), True, **KEY)
    assert (cut.status, cut.error) == (0, records.CUT)


def test_fields_of_another_program_are_passed_over() -> None:
    text = json.dumps(json.loads(records.dump(RECORD)) | {"of_tomorrow": 1})
    columns = {"session_id": "run-1", "stored_bytes": 5, "body_bytes": 7}
    assert records.session(text, **columns) == replace(RECORD, stored_bytes=5, body_bytes=7)
    older = {key: value for key, value in json.loads(records.dump(RECORD)).items() if key != "alarms"}
    assert records.session(json.dumps(older), **columns).alarms == ()


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"usage": 1}', '{"usage": {}}'])
def test_what_is_none_is_an_error(text: str) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        records.session(text, session_id="run-1", stored_bytes=0, body_bytes=0)


def test_every_field_has_one_place() -> None:
    columns = {"session_id", "stored_bytes", "body_bytes"}
    assert set(json.loads(records.dump(RECORD))) == {field.name for field in fields(SessionRecord)} - columns

"""What `--json` prints."""

import json

import pytest

from oneshot.grader.v1 import grader_pb2
from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot_cli import json_out


def test_defaults_are_there_and_numbers_are_numbers() -> None:
    found = json_out.fields(pb.ListSessionsResponse(sessions=[pb.Session(usage=pb.Usage(input_tokens=2**60))]))
    (session,) = found["sessions"]
    assert session["usage"]["input_tokens"] == 2**60
    assert (session["calls"], session["stored_bytes"], session["alarms"], session["model"]) == (0, 0, [], "")
    assert "cost_usd" not in session["usage"], "what is unknown is not 0"


def test_maps_stay_as_they_are() -> None:
    assert json_out.fields(pb.Call(request_headers={"a": "1"}))["request_headers"] == {"a": "1"}
    assert json_out.fields(grader_pb2.VerificationPlan(files={"a": b"x"}))["files"] == {"a": "eA=="}


def test_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    json_out.show([{"a": "ü"}])
    printed = capsys.readouterr().out
    assert "ü" in printed
    assert json.loads(printed) == [{"a": "ü"}]

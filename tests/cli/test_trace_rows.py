"""Tables of sessions and calls."""

import os
import pty
from pathlib import Path

import pytest

from cli.test_trace_show import SESSION
from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot_cli import trace_rows


def test_sessions_in_columns() -> None:
    live = pb.Session(session_id="live-with-a-long-name", kind=pb.SESSION_KIND_LIVE, open=True, stored_bytes=12_345)
    live.opened_at = "2026-11-25T01:40:00.000Z"
    assert trace_rows.sessions([SESSION, live]) == [
        "SESSION                KIND  MODEL    UPSTREAM  OPENED            CALLS  TOKENS     COST     SIZE  STATE",
        "run-1                  run   gpt-5.5  openai    2026-11-25 01:33      4  51,234  $0.0141      0 B  "
        "closed, 1 alarm, stopped",
        "live-with-a-long-name  live  -        -         2026-11-25 01:40      0       0  unknown  12.3 KB  open",
    ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "closed"),
        ({"open": True}, "open"),
        ({"alarms": ["one\nof them", "two"]}, "closed, 2 alarms"),
        ({"alarms": ["one"], "upstream_failure": "no answer"}, "closed, 1 alarm, failed"),
    ],
)
def test_a_state_is_short(fields: dict, words: str) -> None:
    assert trace_rows.state(pb.Session(**fields)) == words


def test_calls_in_columns() -> None:
    usage = pb.Usage(input_tokens=1000, cached_tokens=400, output_tokens=50, cost_usd=0.0047)
    good = pb.Call(
        seq=1,
        request_line="POST /v1/responses",
        status=200,
        started_at=1000.5,
        first_token_seconds=0.2,
        seconds=1,
        usage=usage,
    )
    lost = pb.Call(seq=2, request_line="POST /v1/responses", started_at=1001, error="no\nanswer")
    assert trace_rows.calls([(good, 34_000, 900), (lost, 35_000, 0)]) == [
        "CALL  AT            STATUS   FIRST    TIME     IN  CACHED  OUT     COST     SENT    GOT  WHAT",
        "   1  00:16:40.500  200     0.20 s  1.00 s  1,000     400   50  $0.0047  34.0 KB  900 B  POST /v1/responses",
        "   2  00:16:41.000  -            -  0.00 s      0       0    0  unknown  35.0 KB    0 B  POST /v1/responses: no answer",
    ]


def test_a_terminal_s_rows_stay_one_line_each(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    lines = ["0123456789", "0123456789a"]
    with (tmp_path / "file").open("w") as file:
        assert trace_rows.fitted(lines, file) == lines
    outer, inner = pty.openpty()
    with os.fdopen(inner, "w") as terminal:
        assert trace_rows.fitted(lines, terminal) == ["0123456789", "012345678…"]
    os.close(outer)


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (2.5e9, "2.5 GB"), (9e15, "9000.0 TB")]
)
def test_sizes(count: float, words: str) -> None:
    assert trace_rows.size(count) == words

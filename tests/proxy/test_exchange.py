"""One exchange and its record."""

from mitmproxy.test.tflow import tflow

from oneshot_proxy import exchange, redact
from oneshot_proxy.usage import Usage
from proxy.test_session import made


def test_usage_is_counted_once() -> None:
    session = made()
    found = exchange.begin(tflow(), session)
    found.count(None)
    found.count(Usage(1))
    found.count(Usage(100))
    assert (session.usage.input_tokens, session.calls) == (1, 1)


def test_the_exchange_stays_with_its_flow() -> None:
    flow = tflow()
    assert exchange.of(flow) is None
    assert exchange.begin(flow, made()) is exchange.of(flow)


def test_the_record_is_clean_and_without_the_query() -> None:
    flow = tflow()
    flow.request.path = "/v1/responses?secret=1"
    found = exchange.begin(flow, made())
    found.request, found.problem = b"sk-canary-123", "no sk-canary-123"
    record = found.record(200, "sk-canary-123", b"sk-canary-123", redact.spellings("sk-canary-123"))
    assert record.request_line == "GET /v1/responses"
    assert "canary" not in str(record)

import pytest
from fakes import FakeClock, Scripted

from courier import Client, Config, ConnectionFailed, Reply, StatusError, TimedOut


@pytest.fixture
def clock():
    return FakeClock()


def test_fetch_gets_and_send_posts(clock):
    transport = Scripted(clock, Reply(200, "[]"), Reply(201, '{"id": 7}'))
    client = Client(transport, Config(headers={"accept": "application/json"}), clock=clock)
    assert client.fetch("/jobs").json() == []
    assert client.send("/jobs", {"report": "nightly"}).json() == {"id": 7}
    got, posted = transport.requests
    assert (got.method, got.path, got.body) == ("GET", "/jobs", None)
    assert (posted.method, posted.path, posted.body) == ("POST", "/jobs", {"report": "nightly"})
    assert got.headers == posted.headers == {"accept": "application/json"}


def test_each_exchange_gets_the_whole_timeout(clock):
    transport = Scripted(clock, Reply(200), Reply(200), takes=3.0)
    client = Client(transport, Config(timeout=4.0), clock=clock)
    client.fetch("/jobs")
    client.fetch("/jobs")
    assert transport.timeouts == [4.0, 4.0]


def test_a_reply_says_when_it_came_and_how_long_it_took(clock):
    reply = Client(Scripted(clock, Reply(200), takes=0.25), clock=clock).fetch("/jobs")
    assert (reply.received_at, reply.elapsed) == (1_700_000_000.25, 0.25)


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_a_status_from_400_on_is_an_error(clock, status):
    with pytest.raises(StatusError, match=str(status)) as caught:
        Client(Scripted(clock, Reply(status, "sorry")), clock=clock).fetch("/jobs")
    assert caught.value.status == status
    assert caught.value.reply.body == "sorry"


def test_an_error_is_raised_at_once_as_it_is(clock):
    failure = ConnectionFailed("hung up")
    transport = Scripted(clock, failure)
    with pytest.raises(ConnectionFailed) as caught:
        Client(transport, clock=clock).fetch("/jobs")
    assert caught.value is failure
    assert caught.value.__cause__ is None
    assert (len(transport.requests), clock.slept) == (1, [])


def test_poll_fetches_until_it_is_done(clock):
    transport = Scripted(clock, *(Reply(200, state) for state in ("queued", "running", "done")))
    reply = Client(transport, clock=clock).poll("/jobs/7", lambda reply: reply.body == "done", every=2.0)
    assert reply.body == "done"
    assert clock.slept == [2.0, 2.0]


def test_poll_ends_at_its_limit(clock):
    transport = Scripted(clock, *[Reply(200, "running")] * 4)
    with pytest.raises(TimedOut, match="/jobs/7 is not there yet"):
        Client(transport, clock=clock).poll("/jobs/7", lambda reply: False, every=3.0, limit=10.0)
    assert clock.slept == [3.0, 3.0, 3.0]

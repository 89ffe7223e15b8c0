"""What was asked for. The clock is a fake one and chance is scripted: every wait is known to the second."""

from dataclasses import FrozenInstanceError

import pytest
from fakes import FakeClock, Scripted

import courier
from courier import BadReply, Client, Config, ConfigError, ConnectionFailed, CourierError, Reply, StatusError, TimedOut

GOOD = Reply(200, "here it is")
BUSY = Reply(503, "busy")
REFUSALS = (400, 401, 403, 404, 409, 422, 500, 501)


@pytest.fixture
def clock():
    return FakeClock()


def client_of(transport, *, timeout=10.0, random=None, **policy):
    chance = {"random": random} if random else {}
    config = Config(timeout=timeout, retry=courier.RetryPolicy(**policy))
    return Client(transport, config, clock=transport.clock, **chance)


def gives_up(transport, **policy):
    with pytest.raises(courier.GaveUp) as caught:
        client_of(transport, **policy).fetch("/jobs")
    return caught.value


def asks(value, status=503):
    return Reply(status, headers={"retry-after": value})


def test_passing_troubles_are_tried_again_until_an_answer_comes(clock):
    troubles = [ConnectionFailed("hung up"), TimedOut("late"), *(Reply(status) for status in (429, 502, 503, 504))]
    transport = Scripted(clock, *troubles, GOOD)
    assert client_of(transport, attempts=7, base=1.0, factor=1.0).fetch("/jobs").body == "here it is"
    assert clock.slept == [1.0] * 6
    assert {(request.method, request.path) for request in transport.requests} == {("GET", "/jobs")}


def test_the_first_attempt_counts_and_nothing_is_waited_for_after_the_last(clock):
    transport = Scripted(clock, *[BUSY] * 9)
    assert gives_up(transport, attempts=4).attempts == 4
    assert len(transport.requests) == 4
    assert clock.slept == [0.5, 1.0, 2.0]


def test_giving_up_keeps_the_last_error_as_its_cause(clock):
    last = ConnectionFailed("hung up again")
    error = gives_up(Scripted(clock, BUSY, TimedOut("late"), last))
    assert error.__cause__ is last
    assert error.attempts == 3
    assert isinstance(error, CourierError)


def test_waits_grow_by_the_factor_up_to_the_cap(clock):
    gives_up(Scripted(clock, *[BUSY] * 6), attempts=6, base=1.0, factor=3.0, cap=10.0)
    assert clock.slept == [1.0, 3.0, 9.0, 10.0, 10.0]


def test_thousands_of_attempts_stay_below_the_cap(clock):
    transport = Scripted(clock, *[BUSY] * 2999, GOOD)
    assert client_of(transport, attempts=3000, cap=8.0).fetch("/jobs").status == 200
    assert clock.slept == [0.5, 1.0, 2.0, 4.0, *[8.0] * 2995]


def test_jitter_takes_its_share_off_with_one_draw_for_each_wait(clock):
    draws = iter([0.0, 0.5, 0.75])
    transport = Scripted(clock, *[BUSY] * 3, GOOD)
    client_of(transport, attempts=4, base=1.0, factor=10.0, cap=40.0, jitter=0.5, random=draws.__next__).fetch("/jobs")
    assert clock.slept == [1.0, 7.5, 25.0]
    assert list(draws) == []


def test_the_service_is_left_alone_for_as_long_as_it_asks(clock):
    transport = Scripted(clock, asks("7"), asks("7", 429), asks("1", 502), GOOD)
    client_of(transport, attempts=4, base=4.0, cap=5.0, jitter=0.5, random=lambda: 0.5).fetch("/jobs")
    assert clock.slept == [7.0, 7.0, 3.75]


def test_the_service_may_name_a_date(clock):
    assert clock.time() == 1_700_000_000.0  # 14 November 2023, 22:13:20
    transport = Scripted(clock, asks("Tue, 14 Nov 2023 22:13:50 GMT"), asks("Tue, 14 Nov 2023 22:00:00 GMT"), GOOD)
    client_of(transport).fetch("/jobs")
    assert clock.slept == [30.0, 1.0]


def test_a_wish_that_cannot_be_read_counts_as_none(clock):
    transport = Scripted(clock, *(asks(value) for value in ("soon", "-30", "", "Tue, 99 Nov 2023 22:13:50 GMT")), GOOD)
    client_of(transport, attempts=5, factor=1.0).fetch("/jobs")
    assert clock.slept == [0.5] * 4


def test_a_service_that_asks_for_too_long_is_given_up_on(clock):
    transport = Scripted(clock, asks("20"), asks("21"), GOOD)
    assert gives_up(transport, retry_after_limit=20.0).attempts == 2
    assert clock.slept == [20.0]


@pytest.mark.parametrize("failed_before", [0, 1])
def test_any_other_error_comes_through_as_it_is(clock, failed_before):
    for failure in (*map(Reply, REFUSALS), BadReply("garbled"), ValueError("a bug"), KeyboardInterrupt()):
        transport = Scripted(clock, *[BUSY] * failed_before, failure, GOOD)
        with pytest.raises((StatusError, BadReply, ValueError, KeyboardInterrupt)) as caught:
            client_of(transport).fetch("/jobs")
        came = caught.value.reply.status if isinstance(caught.value, StatusError) else caught.value
        assert came == (failure.status if isinstance(failure, Reply) else failure)
        assert len(transport.requests) == failed_before + 1


def test_a_wait_that_would_reach_the_deadline_is_not_begun(clock):
    transport = Scripted(clock, *[BUSY] * 9, takes=0.5)
    assert gives_up(transport, attempts=9, base=2.0, deadline=7.0).attempts == 2
    assert clock.slept == [2.0]  # 0.5 + 2 + 0.5 are over; 4 more would end at the deadline
    assert gives_up(Scripted(clock, asks("9")), deadline=9.0).attempts == 1


def test_no_attempt_outlasts_the_deadline(clock):
    transport = Scripted(clock, *[BUSY] * 9, takes=60.0)
    assert gives_up(transport, timeout=10.0, base=1.0, deadline=12.5).attempts == 2
    assert transport.timeouts == [10.0, 1.5]
    assert clock.monotonic() == 50.0 + 12.5


def test_the_deadline_holds_when_clocks_jump_and_sleeps_last_too_long():
    class Restless(FakeClock):
        def sleep(self, seconds):
            super().sleep(seconds + 0.25)
            self.wall -= 3600.0

    transport = Scripted(Restless(), *[BUSY] * 9)
    error = gives_up(transport, attempts=9, base=1.0, factor=1.0, deadline=5.0)
    assert error.attempts == 4  # at 0, 1.25, 2.5 and 3.75 s; the fourth wait would end at 4.75 s and ends at 5 s
    assert len(transport.clock.slept) == 4


def test_each_fetch_starts_afresh(clock):
    transport = Scripted(clock, BUSY, BUSY, GOOD, BUSY, BUSY, Reply(200, "done"))
    client = client_of(transport, deadline=4.0)
    assert client.poll("/jobs/7", lambda reply: reply.body == "done", every=5.0).body == "done"
    assert clock.slept == [0.5, 1.0, 5.0, 0.5, 1.0]


def test_what_is_sent_is_never_sent_again(clock):
    transport = Scripted(clock, ConnectionFailed("hung up"), BUSY)
    client = client_of(transport)
    with pytest.raises(ConnectionFailed):
        client.send("/jobs", {"report": "nightly"})
    with pytest.raises(StatusError):
        client.send("/jobs", {"report": "nightly"})
    assert (len(transport.requests), clock.slept) == (2, [])


def test_a_policy_is_read_from_a_mapping_and_checked():
    read = Config.from_mapping({"timeout": 2.0, "retry": {"attempts": 5, "deadline": 60.0}})
    assert read == Config(timeout=2.0, retry=courier.RetryPolicy(attempts=5, deadline=60.0))
    assert Config.from_mapping({}).retry is None
    defaults = {"attempts": 3, "base": 0.5, "factor": 2.0, "cap": 30.0, "jitter": 0.0, "retry_after_limit": 60.0}
    assert courier.RetryPolicy() == courier.RetryPolicy(**defaults, deadline=None)
    with pytest.raises(FrozenInstanceError):
        read.retry.attempts = 6
    wrong = {"attempts": 0, "base": -1, "factor": 0.5, "cap": -1, "jitter": 1.5, "deadline": 0, "retry_after_limit": -1}
    for name, value in {**wrong, "atempts": 5}.items():
        with pytest.raises(ConfigError, match=name):
            Config.from_mapping({"retry": {name: value}})
    for name, value in wrong.items():
        with pytest.raises(ConfigError, match=name):
            courier.RetryPolicy(**{name: value})

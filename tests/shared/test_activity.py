"""What a service says about being busy."""

import time

import pytest

from oneshot_shared.activity import Activity


def test_open_calls_make_busy_and_their_end_begins_idleness() -> None:
    activity = Activity()
    assert activity.busy() == ""
    with activity.call(), activity.call():
        assert activity.busy() == "2 open calls"
        assert activity.idle_seconds() == 0
    time.sleep(0.02)
    assert activity.busy() == ""
    assert 0.02 <= activity.idle_seconds() < 5


def test_a_call_that_raises_is_over() -> None:
    activity = Activity()
    with pytest.raises(ZeroDivisionError), activity.call():
        _ = 1 / 0
    assert activity.busy() == ""


def test_the_services_own_words_come_first_and_reset_the_clock() -> None:
    words = ["2 runs"]
    activity = Activity(lambda: words[0])
    time.sleep(0.02)
    with activity.call():
        assert activity.busy() == "2 runs"
    time.sleep(0.02)
    before = time.monotonic()
    assert activity.idle_seconds() == 0
    words[0] = ""
    assert activity.idle_seconds() <= time.monotonic() - before

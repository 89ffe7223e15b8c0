"""Plausible wrong solutions of retry-backoff: each is the reference with one slip, and a hidden test must notice it."""

from pathlib import Path

import pytest

from oneshot_shared import task
from tasks import harness

TASK = harness.PREPARED / "retry-backoff"
ATTEMPTS = "the_first_attempt_counts_and_nothing_is_waited_for_after_the_last"
OTHERS = "any_other_error_comes_through_as_it_is[0]"
CAUSE = "giving_up_keeps_the_last_error_as_its_cause"
SETTINGS = "a_policy_is_read_from_a_mapping_and_checked"
JUMPS = "the_deadline_holds_when_clocks_jump_and_sleeps_last_too_long"
CLIENT, CONFIG, RETRY = "client.py", "config.py", "retry.py"
GIVING_UP = "raise GaveUp(attempt, last) from last"
GROWING = "min(delay, self.cap) * (1 - self.jitter * random())"
IN_TIME = "self._clock.monotonic() + delay < end"
POST = 'self._exchange(Request("POST", path, body, self._config.headers), self._config.timeout)'
WRONG = {
    "attempts are retries": (RETRY, "range(self.attempts - 1)", "range(self.attempts)", ATTEMPTS),
    "a wait after the last attempt": (
        CLIENT,
        GIVING_UP,
        f"self._clock.sleep(policy.base)\n            {GIVING_UP}",
        ATTEMPTS,
    ),
    "attempts counted from nought": (CLIENT, "GaveUp(attempt, last)", "GaveUp(attempt - 1, last)", ATTEMPTS),
    "no cause": (CLIENT, GIVING_UP, "raise GaveUp(attempt, last) from None", CAUSE),
    "the last error itself": (CLIENT, GIVING_UP, "raise last", CAUSE),
    "powers that overflow": (
        RETRY,
        GROWING,
        "min(self.base * self.factor**_, self.cap) * (1 - self.jitter * random())",
        "thousands_of_attempts_stay_below_the_cap",
    ),
    "no cap": (RETRY, "min(delay, self.cap)", "delay", "waits_grow_by_the_factor_up_to_the_cap"),
    "jitter before the cap": (
        RETRY,
        GROWING,
        "min(delay * (1 - self.jitter * random()), self.cap)",
        "jitter_takes_its_share_off_with_one_draw_for_each_wait",
    ),
    "every status": (RETRY, "error.status in PASSING", "True", OTHERS),
    "every server error": (RETRY, "error.status in PASSING", "error.status == 429 or error.status >= 500", OTHERS),
    "every error": (RETRY, "isinstance(error, (ConnectionFailed, TimedOut))", "True", OTHERS),
    "no Retry-After": (
        CLIENT,
        "asked_delay(last)",
        "0.0",
        "the_service_is_left_alone_for_as_long_as_it_asks",
    ),
    "Retry-After instead of the backoff": (
        CLIENT,
        "max(asked, next(delays, math.inf))",
        "[own := next(delays, math.inf), asked or own][own < math.inf]",
        "the_service_is_left_alone_for_as_long_as_it_asks",
    ),
    "Retry-After below the cap": (
        CLIENT,
        "asked_delay(last)",
        "min(asked_delay(last), policy.cap)",
        "the_service_is_left_alone_for_as_long_as_it_asks",
    ),
    "Retry-After cut to its limit": (
        CLIENT,
        "asked_delay(last)",
        "min(asked_delay(last), policy.retry_after_limit)",
        "a_service_that_asks_for_too_long_is_given_up_on",
    ),
    "Retry-After only in seconds": (RETRY, "_until(value, error.reply)", "0.0", "the_service_may_name_a_date"),
    "Retry-After trusted to be a number": (
        RETRY,
        "float(value) if value.isascii() and value.isdigit() else _until(value, error.reply)",
        'float(value) if value and "," not in value else _until(value, error.reply)',
        "a_wish_that_cannot_be_read_counts_as_none",
    ),
    "a wait past the deadline": (
        CLIENT,
        IN_TIME,
        "self._clock.monotonic() < end and delay < math.inf",
        "a_wait_that_would_reach_the_deadline_is_not_begun",
    ),
    "a wait up to the deadline": (
        CLIENT,
        IN_TIME,
        "delay < math.inf and self._clock.monotonic() + delay <= end",
        "a_wait_that_would_reach_the_deadline_is_not_begun",
    ),
    "the whole timeout to the end": (
        CLIENT,
        "min(self._config.timeout, end - self._clock.monotonic())",
        "self._config.timeout",
        "no_attempt_outlasts_the_deadline",
    ),
    "the deadline on the wall clock": (CLIENT, "self._clock.monotonic()", "self._clock.time()", JUMPS),
    "an attempt after a sleep that lasted too long": (CLIENT, "if self._clock.monotonic() < end:", "if True:", JUMPS),
    "waits that grow from fetch to fetch": (
        CLIENT,
        "delays = policy.delays(self._random)",
        'delays = self.__dict__.setdefault("_delays", policy.delays(self._random))',
        "each_fetch_starts_afresh",
    ),
    "send repeated": (
        CLIENT,
        f"return {POST}",
        f'return self._insist(Request("POST", path, body), self._config.retry) if self._config.retry else {POST}',
        "what_is_sent_is_never_sent_again",
    ),
    "on for everybody": (CONFIG, "retry: RetryPolicy | None = None", "retry: RetryPolicy = RetryPolicy()", SETTINGS),
    "no checks": (RETRY, "if not fits:", "if False:", SETTINGS),
}


@pytest.mark.parametrize("slip", WRONG)
def test_a_slip_is_noticed(slip: str, tmp_path: Path) -> None:
    name, right, wrong, noticed_by = WRONG[slip]
    tree = harness.reference(TASK, tmp_path / "tree")
    file = tree / "src/courier" / name
    text = file.read_text()
    assert right in text
    file.write_text(text.replace(right, wrong))
    outcomes = harness.outcomes(TASK, tree)
    expected = task.load(TASK).expected
    assert expected
    failed = [name for name in expected.fail_to_pass if outcomes[name] == "FAILED"]
    assert f"tests/test_retry.py::test_{noticed_by}" in failed
    assert len(failed) < len(expected.fail_to_pass) / 2, "it is one slip, and the rest of the tests can tell"

"""The sentences about a recording."""

import dataclasses

import pytest

from oneshot_proxy.alarms import Seen, sentences
from oneshot_proxy.usage import Usage

FINE = Seen(closed=True, live=False, succeeded=3, decoded=3, whole=Usage(700, 280, 70, 28))


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"live": True},
        {"agent": Usage(700, 280, 70, 28, cost_usd=None)},
        {"agent": Usage(700, 0, 70, 0)},  # an agent that does not tell the parts
        {"succeeded": 0, "decoded": 0, "whole": Usage()},  # a run may do without its model
        {"succeeded": 0, "decoded": 0, "whole": Usage(), "live": True, "closed": False},
        {"trouble": {"lost": 0}},
    ],
)
def test_nothing_is_said_about_a_sound_recording(change: dict) -> None:
    assert sentences(dataclasses.replace(FINE, **change)) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"live": True, "succeeded": 0, "decoded": 0},
            "no model call was recorded: the agent did not reach its model through the proxy; `oneshot doctor` finds out why",
        ),
        (
            {"live": True, "succeeded": 0, "decoded": 0, "calls": 1, "failure": "api.openai.com could not be reached"},
            "1 call came and did not succeed: api.openai.com could not be reached",
        ),
        (
            {"live": True, "succeeded": 0, "decoded": 0, "calls": 2},
            "2 calls came, none succeeded; `oneshot trace show --calls` says how each ended",
        ),
        (
            {"live": True, "succeeded": 0, "decoded": 0, "trouble": {"the client does not trust our CA": 1}},
            "the client does not trust our CA",
        ),
        (
            {"decoded": 1},
            "2 of 3 successful model calls could not be decoded; their bytes are kept, as --format raw exports them",
        ),
        (
            {"agent": Usage(700, 280, 71, 28)},
            "the agent says that it used 71 output tokens (recorded: 70)",
        ),
        (
            {"agent": Usage(600, 200, 70, 20)},
            "the agent says that it used 600 input tokens (recorded: 700) and 200 cached tokens (recorded: 280) "
            "and 20 reasoning tokens (recorded: 28)",
        ),
        ({"trouble": {"lost": 1}}, "lost"),
        ({"trouble": {"lost": 3}}, "lost (3 times)"),
    ],
)
def test_each_trouble_has_its_sentence(change: dict, said: str) -> None:
    assert sentences(dataclasses.replace(FINE, **change)) == (said,)


def test_a_silent_run_whose_agent_worked_is_said_with_both_numbers() -> None:
    silent = Seen(closed=True, live=False, succeeded=0, decoded=0, whole=Usage(), agent=Usage(5, 0, 2))
    assert [sentence.split(":")[0] for sentence in sentences(silent)] == [
        "no model call was recorded",
        "the agent says that it used 5 input tokens (recorded",
    ]

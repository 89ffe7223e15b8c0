"""Token counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneshot_proxy.usage import Usage, parse


def test_both_wire_apis_give_the_same_counts() -> None:
    responses = {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 2},
    }
    chat = {
        "prompt_tokens": 9,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens": 3,
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    assert parse(responses) == parse(chat) == Usage(9, 4, 3, 2)
    assert Usage(9, 4, 3, 2).tokens == 12


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_anything_is_read_without_an_error(raw: object) -> None:
    found = parse(raw)
    assert found is None or found.tokens >= 0


@pytest.mark.parametrize(("left", "right", "total"), [(1.0, 2.0, 3.0), (None, 2.0, None), (1.0, None, None)])
def test_an_unknown_cost_makes_the_sum_unknown(left: float | None, right: float | None, total: float | None) -> None:
    assert (Usage(1, cost_usd=left) + Usage(2, cost_usd=right)) == Usage(3, cost_usd=total)


def test_anthropic_counts_its_cache_beside_the_input() -> None:
    raw = {
        "input_tokens": 10,
        "cache_read_input_tokens": 3000,
        "cache_creation_input_tokens": 200,
        "cache_creation": {"ephemeral_5m_input_tokens": 50, "ephemeral_1h_input_tokens": 150},
        "output_tokens": 7,
    }
    assert parse(raw) == Usage(3210, 3000, 7, cache_write_tokens=200, cache_write_1h_tokens=150)
    assert parse({"input_tokens": 10, "output_tokens": 7}) == Usage(10, 0, 7)


def test_openai_counts_what_was_written_to_the_cache_within_the_input() -> None:
    raw = {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 5},
        "output_tokens": 7,
    }
    assert parse(raw) == Usage(10, 2, 7, cache_write_tokens=5)

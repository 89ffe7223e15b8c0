"""Costs by the table that ships with genai-prices."""

import pytest

from oneshot_proxy import prices
from oneshot_proxy.usage import Usage


def test_cached_input_is_cheaper() -> None:
    plain = prices.cost("openai", "gpt-5", Usage(1_000_000, 0, 0))
    cached = prices.cost("openai", "gpt-5", Usage(1_000_000, 1_000_000, 0))
    assert plain is not None
    assert cached is not None
    assert 0 < cached < plain


@pytest.mark.parametrize(
    ("price_id", "model"), [("openai", "no-such-model"), ("", "gpt-5"), ("no-such-provider", "gpt-5")]
)
def test_an_unknown_price_is_unknown(price_id: str, model: str) -> None:
    assert prices.cost(price_id, model, Usage(1, 0, 1)) is None
    assert not prices.known(price_id, model)


def test_more_cached_than_sent_is_no_error() -> None:
    assert prices.cost("openai", "gpt-5", Usage(1, 2, 0)) is not None


def test_writing_to_a_cache_has_its_price_and_an_hour_of_it_a_higher_one() -> None:
    def cost(**written: int) -> float:
        return prices.cost("anthropic", "claude-sonnet-4-5", Usage(1000, **written)) or 0.0

    plain, short, hour = (
        cost(),
        cost(cache_write_tokens=1000),
        cost(cache_write_tokens=1000, cache_write_1h_tokens=1000),
    )
    assert plain * 1.25 == pytest.approx(short)
    assert plain * 2 == pytest.approx(hour)
    assert cost(cache_write_tokens=10, cache_write_1h_tokens=99999) > 0  # counts that do not fit do no harm
    assert cost(cached_tokens=900, cache_write_tokens=900) > 0

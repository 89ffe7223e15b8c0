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

"""US dollars for tokens, by the price table that ships with genai-prices. Nothing is ever fetched."""

from oneshot_proxy.usage import Usage


def cost(price_id: str, model: str, usage: Usage) -> float | None:
    """The cost of one call; None where the table does not know the provider's model.

    `price_id` is `Provider.price_id`. What is read from the cache or written to it has its own price, and long
    contexts theirs.
    """
    if not price_id:
        return None
    import genai_prices  # a quarter of a second: the first session pays for it, not the start

    # the table refuses parts that are more than the whole
    hour = min(usage.cache_write_1h_tokens, usage.cache_write_tokens)
    tokens = genai_prices.Usage(
        input_tokens=max(usage.input_tokens, usage.cached_tokens + usage.cache_write_tokens),
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cache_write_1h_tokens=hour,
        output_tokens=usage.output_tokens,
    )
    try:
        return float(genai_prices.calc_price(tokens, model, provider_id=price_id).total_price)
    except LookupError:
        return None


def known(price_id: str, model: str) -> bool:
    """Whether a cost limit can be kept. The first call loads the table: a fifth of a second."""
    return cost(price_id, model, Usage(input_tokens=1, output_tokens=1)) is not None

"""Token counts as model APIs report them, in one shape."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

_MOST = 2**40  # more than any answer; SQLite and protobuf hold sums of it


@dataclass(frozen=True)
class Usage:
    """Tokens of one call, or summed. `cost_usd` is None where the price is unknown.

    Cached tokens and those written to the cache are parts of the input, reasoning is a part of the output. What was written for
    an hour is a part of what was written; APIs charge more for it.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = 0.0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0

    @property
    def tokens(self) -> int:
        """What a token limit counts: input plus output."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Usage") -> "Usage":
        unknown = self.cost_usd is None or other.cost_usd is None
        return Usage(
            self.input_tokens + other.input_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            None if unknown else (self.cost_usd or 0.0) + (other.cost_usd or 0.0),
            self.cache_write_tokens + other.cache_write_tokens,
            self.cache_write_1h_tokens + other.cache_write_1h_tokens,
        )

    def costing(self, cost_usd: float | None) -> "Usage":
        """The same tokens at a cost."""
        return replace(self, cost_usd=cost_usd)


def parse(raw: object) -> Usage | None:
    """Read a `usage` object of the Responses API, of Chat Completions or of Anthropic's Messages; None where there is none.

    Anthropic counts what it read from the cache and wrote to it beside `input_tokens`; here both are added to it.
    Sources: https://platform.openai.com/docs/api-reference/responses/object, .../chat/object and
    https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#tracking-cache-performance.
    """
    if not isinstance(raw, Mapping):
        return None
    if "cache_read_input_tokens" in raw or "cache_creation_input_tokens" in raw:
        return _anthropic(raw)
    if "prompt_tokens" in raw:
        given, details, made, more = (
            "prompt_tokens",
            "prompt_tokens_details",
            "completion_tokens",
            "completion_tokens_details",
        )
    else:
        given, details, made, more = "input_tokens", "input_tokens_details", "output_tokens", "output_tokens_details"
    return Usage(
        _count(raw, given),
        _count(raw.get(details), "cached_tokens"),
        _count(raw, made),
        _count(raw.get(more), "reasoning_tokens"),
        cache_write_tokens=_count(raw.get(details), "cache_write_tokens"),
    )


def _anthropic(raw: Mapping[str, object]) -> Usage:
    read, written = _count(raw, "cache_read_input_tokens"), _count(raw, "cache_creation_input_tokens")
    return Usage(
        _count(raw, "input_tokens") + read + written,
        read,
        _count(raw, "output_tokens"),
        cache_write_tokens=written,
        cache_write_1h_tokens=_count(raw.get("cache_creation"), "ephemeral_1h_input_tokens"),
    )


def _count(raw: object, key: str) -> int:
    value = raw.get(key) if isinstance(raw, Mapping) else None
    return min(value, _MOST) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0

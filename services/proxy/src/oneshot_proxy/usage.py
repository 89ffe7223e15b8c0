"""Token counts as model APIs report them, in one shape."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

_MOST = 2**40  # more than any answer; SQLite and protobuf hold sums of it


@dataclass(frozen=True)
class Usage:
    """Tokens of one call, or summed. `cost_usd` is None where the price is unknown; cached and reasoning are parts of input and output."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = 0.0

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
        )

    def costing(self, cost_usd: float | None) -> "Usage":
        """The same tokens at a cost."""
        return replace(self, cost_usd=cost_usd)


def parse(raw: object) -> Usage | None:
    """Read a `usage` object of the Responses API or of Chat Completions; None where there is none.

    Sources: https://platform.openai.com/docs/api-reference/responses/object and .../chat/object.
    """
    if not isinstance(raw, Mapping):
        return None
    if "prompt_tokens" in raw:
        given, cached, made, reasoned = (
            "prompt_tokens",
            "prompt_tokens_details",
            "completion_tokens",
            "completion_tokens_details",
        )
    else:
        given, cached, made, reasoned = "input_tokens", "input_tokens_details", "output_tokens", "output_tokens_details"
    return Usage(
        _count(raw, given),
        _count(raw.get(cached), "cached_tokens"),
        _count(raw, made),
        _count(raw.get(reasoned), "reasoning_tokens"),
    )


def _count(raw: object, key: str) -> int:
    value = raw.get(key) if isinstance(raw, Mapping) else None
    return min(value, _MOST) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0

"""What is wrong with a session's recording, a sentence each: the one home of these words. Pure.

Nothing is worse for a recorder than to record nothing and not to say so. Each sentence holds the numbers that it rests on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from oneshot_proxy.usage import Usage

LOST = "a call was lost, as the trace store could not be written in time"
"""For `Seen.trouble`: the store dropped it."""
CUT_SHORT = "the record of a call is not whole"
"""For `Seen.trouble`: a request or an answer was too large to be kept, or its content encoding could not be undone."""


@dataclass(frozen=True)
class Seen:
    """What a session knows about its own recording.

    `whole` is the usage of the successful calls alone, since agents count no others; `agent` is what the agent says that it used,
    None where it says nothing. `trouble`: what went wrong while recording, and how often. `failure`: how the last call failed,
    where none succeeded after it.
    """

    closed: bool
    live: bool
    succeeded: int
    decoded: int
    whole: Usage
    agent: Usage | None = None
    trouble: Mapping[str, int] = field(default_factory=dict)
    calls: int = 0
    failure: str = ""


def sentences(seen: Seen) -> tuple[str, ...]:
    """All that is wrong, the gravest first; empty when nothing is."""
    found = [_silence(seen), _undecoded(seen), _difference(seen)]
    troubles = [f"{what} ({count} times)" if count > 1 else what for what, count in seen.trouble.items() if count]
    return tuple(sentence for sentence in (*found, *troubles) if sentence)


def _silence(seen: Seen) -> str:
    """A run may do without a model, a person's session hardly: there, silence alone is suspicious. Its cause is said, where known."""
    worked = seen.live or (seen.agent is not None and seen.agent.tokens > 0)
    if not (seen.closed and worked) or seen.succeeded or seen.decoded:
        return ""
    if seen.calls:
        came = "1 call came and did not succeed" if seen.calls == 1 else f"{seen.calls} calls came, none succeeded"
        return (
            f"{came}: {seen.failure}" if seen.failure else f"{came}; `oneshot trace show --calls` says how each ended"
        )
    if any(seen.trouble.values()):
        return ""  # that is why
    return "no model call was recorded: the agent did not reach its model through the proxy; `oneshot doctor` finds out why"


def _undecoded(seen: Seen) -> str:
    lost = seen.succeeded - seen.decoded
    if lost <= 0:
        return ""
    return f"{lost} of {seen.succeeded} successful model calls could not be decoded; their bytes are kept, as --format raw exports them"


def _difference(seen: Seen) -> str:
    agent, whole = seen.agent, seen.whole
    if agent is None:
        return ""
    pairs = [("input", agent.input_tokens, whole.input_tokens), ("output", agent.output_tokens, whole.output_tokens)]
    # 0 also means that an API, or an agent, does not tell them
    parts = [
        ("cached", agent.cached_tokens, whole.cached_tokens),
        ("reasoning", agent.reasoning_tokens, whole.reasoning_tokens),
    ]
    pairs += [(name, mine, ours) for name, mine, ours in parts if mine and ours]
    differing = [f"{mine} {name} tokens (recorded: {ours})" for name, mine, ours in pairs if mine != ours]
    return f"the agent says that it used {' and '.join(differing)}" if differing else ""

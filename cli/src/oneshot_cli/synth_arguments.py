"""Which of Codex's commands talk to a model, and so are recorded. The arguments themselves are nobody's business but Codex's."""

import re
from collections.abc import Iterator, Sequence

_UNRECORDED = re.compile(
    "agents|login|logout|mcp|plugin|remote-control|completion|update|doctor|sandbox|debug|apply|a|queue|archive|unarchive|delete|"
    "migrate-rollouts|cloud|cloud-tasks|exec-server|features|help|execpolicy|app|responses-api-proxy|stdio-to-uds"
)
_DAEMON = ["app-server", "daemon"]  # it would outlive the session
_ASKS_ONLY = frozenset(["-h", "--help", "-V", "--version"])
# of the options before a command, those whose value is the next word
_WITH_VALUE = re.compile(
    "-[cmpsaCi]|--(config|model|profile|sandbox|ask-for-approval|cd|image|enable|disable|add-dir|local-provider|remote|"
    "remote-auth-token-env)"
)


def recorded(arguments: Sequence[str]) -> bool:
    """Whether Codex, so called, talks to a model: the terminal UI, exec, review, resume, fork, the servers, and what is new to us."""
    ours = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    words = list(_words(ours))
    return _ASKS_ONLY.isdisjoint(ours) and words[:2] != _DAEMON and not (words and _UNRECORDED.fullmatch(words[0]))


def _words(arguments: Sequence[str]) -> Iterator[str]:
    """What is neither an option nor an option's value."""
    rest = iter(arguments)
    for word in rest:
        if _WITH_VALUE.fullmatch(word):
            next(rest, None)
        elif not word.startswith("-"):
            yield word

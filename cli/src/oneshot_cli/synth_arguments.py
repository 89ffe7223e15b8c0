"""Which of Codex's commands talk to a model, and so are recorded. The arguments themselves are nobody's business but Codex's."""

from collections.abc import Iterator, Sequence

_UNRECORDED = frozenset(
    """
    agents login logout mcp plugin remote-control completion update doctor sandbox debug apply a queue archive delete
    migrate-rollouts unarchive cloud cloud-tasks exec-server features help execpolicy app responses-api-proxy stdio-to-uds
    """.split()
)
_DAEMON = ["app-server", "daemon"]  # it would outlive the session
_ASKS_ONLY = frozenset(["-h", "--help", "-V", "--version"])
# of the options before a command, those whose value is the next word
_WITH_VALUE = frozenset(
    """
    -c --config -m --model -p --profile -s --sandbox -a --ask-for-approval -C --cd -i --image --enable --disable --add-dir
    --local-provider --remote --remote-auth-token-env
    """.split()
)


def recorded(arguments: Sequence[str]) -> bool:
    """Whether Codex, so called, talks to a model: the terminal UI, exec, review, resume, fork, the servers, and what is new to us."""
    ours = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    words = list(_words(ours))
    return _ASKS_ONLY.isdisjoint(ours) and words[:2] != _DAEMON and (not words or words[0] not in _UNRECORDED)


def _words(arguments: Sequence[str]) -> Iterator[str]:
    """What is neither an option nor an option's value."""
    rest = iter(arguments)
    for word in rest:
        if word in _WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            yield word

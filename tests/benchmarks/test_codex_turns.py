"""The commands that the scripted model has Codex run; the rest of it is what test_trace_store.py runs."""

import itertools
import random

from benchmarks import programs


def test_commands_are_the_same_every_time_and_vary(monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(programs.FOLDER))
    import codex_turns

    first, second = (list(itertools.islice(codex_turns.commands(random.Random(1)), 50)) for _ in range(2))
    assert first == second
    assert len(set(first)) > 45

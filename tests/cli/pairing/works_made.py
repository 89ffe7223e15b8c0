"""Works as tests need them: sound, whole, and different only where a test says so."""

from typing import Any

from oneshot_cli.pairing.works import Ending, Result, Work, now


def made(**given: Any) -> Work:
    """A work that has just begun."""
    plain: dict[str, Any] = {
        "task_id": "mend-add-20260101-000000-abcdef",
        "top": "/home/ada/calc",
        "title": "Mend add",
        "where": {"ONESHOT_DATA": "/home/ada/data"},
        "base_tree": "1" * 40,
        "started_at": now(),
    }
    return Work(**plain | given)


def made_ending(**given: Any) -> Ending:
    """One with a summary."""
    return Ending(**{"said": "digest", "summary": "Mended.", "end_tree": "2" * 40, "ended_at": now()} | given)


def made_result(**given: Any) -> Result:
    """A created task's."""
    plain = {"folder": "mend-add_20260101_000000", "base_files": 3, "source_files": 2, "test_files": 1}
    return Result(**plain | {"next_step": "prepare it"} | given)

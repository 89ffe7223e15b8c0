"""Findings and what was mended, for people and for programs."""

from collections.abc import Sequence
from typing import Any

from oneshot_cli.repository import readiness
from oneshot_cli.repository.autofix import Mended
from oneshot_cli.repository.readiness.finding import LEVELS, Finding, Level, count

_MARKS: dict[Level, str] = {"blocker": "✗", "warning": "!", "note": "-"}


def as_fields(findings: Sequence[Finding], mended: Sequence[Mended] = ()) -> dict[str, Any]:
    """{"ready", "findings": [{"check", "level", "sentence", "next_step", "mendable"}], "mended": [{"check", "sentence"}]}."""
    return {
        "ready": readiness.ready(findings),
        "findings": [
            {
                "check": each.check,
                "level": each.level,
                "sentence": each.sentence,
                "next_step": each.next_step,
                "mendable": each.mendable,
            }
            for each in findings
        ],
        "mended": [{"check": each.check, "sentence": each.sentence} for each in mended],
    }


def as_text(findings: Sequence[Finding], mended: Sequence[Mended] = ()) -> str:
    """What was mended, one line a finding with its next step below it, and the conclusion last."""
    lines = [f"✓ {each.check}: {each.sentence}" for each in mended]
    for each in findings:
        lines.append(f"{_MARKS[each.level]} {each.check}: {each.sentence}")
        if each.next_step:
            lines.append(f"    next: {each.next_step}")
    return "\n".join([*lines, *([""] if lines else []), _conclusion(findings)])


def _conclusion(findings: Sequence[Finding]) -> str:
    numbers = {level: sum(each.level == level for each in findings) for level in LEVELS}
    told = ", ".join(count(number, level) for level, number in numbers.items() if number)
    if numbers["blocker"]:
        return f"Not ready: {told}"
    return f"Ready: a task can be started here ({told})" if told else "Ready: a task can be started here"

"""A doctor's report, for people and for programs."""

import json
import os
from collections.abc import Sequence
from typing import TextIO

from oneshot_cli.doctor.check import Check, State
from oneshot_cli.doctor.machine import Machine

_MARKS: dict[State, str] = {"ok": "✓", "warn": "!", "fail": "✗", "skip": "-"}
_PLAIN = {"✓": "+", "✗": "x"}  # where the terminal cannot write them
_COLOURS: dict[State, str] = {"ok": "32", "warn": "33", "fail": "31", "skip": "2"}


def ready(checks: Sequence[Check]) -> bool:
    """Whether the next run would start."""
    return not any(check.state == "fail" for check in checks)


def as_json(checks: Sequence[Check]) -> str:
    """One object: {"ready", "checks": [{"name", "state", "found", "mend"}]}."""
    rows = [{"name": c.name, "state": c.state, "found": c.found, "mend": c.mend} for c in checks]
    return json.dumps({"ready": ready(checks), "checks": rows}, indent=2, ensure_ascii=False)


def as_text(checks: Sequence[Check], machine: Machine, out: TextIO) -> str:
    """One line a check, the mending command below it, and the conclusion last."""
    width = max(len(check.name) for check in checks)
    colour = out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    lines = []
    for check in checks:
        mark = _writable(_MARKS[check.state], out)
        mark = f"\x1b[{_COLOURS[check.state]}m{mark}\x1b[0m" if colour else mark
        lines.append(f"{mark} {check.name:<{width}}  {check.found}")
        if check.mend:
            lines.append(f"  {'':<{width}}  mend: {check.mend}")
    return "\n".join([*lines, "", _conclusion(checks, machine)])


def _writable(mark: str, out: TextIO) -> str:
    try:
        mark.encode(out.encoding or "utf-8")
    except UnicodeEncodeError:
        return _PLAIN[mark]
    return mark


def _conclusion(checks: Sequence[Check], machine: Machine) -> str:
    bad = [check for check in checks if check.state == "fail"]
    where = f"endpoint {machine.endpoint}" if machine.endpoint else f"backend {machine.backend}"
    if not bad:
        return f"Ready: the next `oneshot run` would start ({where})"
    if all(check.name == "model key" for check in bad):
        return f"Not ready: {len(bad)} to mend; `oneshot demo` and --replay would start ({where}), they need no key"
    return f"Not ready: {len(bad)} to mend"

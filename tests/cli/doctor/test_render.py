"""The report."""

import io
import json

import pytest

from cli.doctor.conftest import Make
from oneshot_cli.doctor import render
from oneshot_cli.doctor.check import Check, ok, skip

GOOD = [ok("git", "2.39"), skip("endpoint", "none"), Check("Compose", "warn", "old", "install it")]
BAD = [*GOOD, Check("model key", "fail", "none", "export it")]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_for_people(make: Make) -> None:
    assert render.as_text(GOOD, make(), io.StringIO()).splitlines() == [
        "✓ git       2.39",
        "- endpoint  none",
        "! Compose   old",
        "            mend: install it",
        "",
        "Ready: the next `oneshot run` would start (backend local)",
    ]
    assert render.as_text(BAD, make(), io.StringIO()).splitlines()[-1] == (
        "Not ready: 1 to mend; `oneshot demo` and --replay would start (backend local), they need no key"
    )
    worse = [*BAD, Check("disk", "fail", "full", "free it")]
    assert render.as_text(worse, make(), io.StringIO()).splitlines()[-1] == "Not ready: 2 to mend"


def test_colour_is_for_terminals_that_want_it(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[32m✓\x1b[0m git" in render.as_text(GOOD, make(), _Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in render.as_text(GOOD, make(), _Terminal())


def test_a_terminal_without_the_marks(make: Make) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    text = render.as_text(BAD, make(), out)
    assert text.isascii()
    assert text.startswith("+ git")


def test_for_programs() -> None:
    report = json.loads(render.as_json(BAD))
    assert report["ready"] is False
    assert report["checks"][-1] == {"name": "model key", "state": "fail", "found": "none", "mend": "export it"}
    assert json.loads(render.as_json(GOOD))["ready"] is True

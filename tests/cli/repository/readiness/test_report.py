"""For people and for programs."""

from oneshot_cli.repository.autofix import Mended
from oneshot_cli.repository.readiness import report
from oneshot_cli.repository.readiness.finding import Finding

BLOCKER = Finding("merge", "blocker", "a merge is under way", "give it up")
WARNING = Finding("secrets", "warning", "'.env'", "leave it out", (b".env",))
NOTE = Finding("dirty tree", "note", "it is captured")


def test_text() -> None:
    assert report.as_text([BLOCKER, WARNING, NOTE], [Mended("huge files", "'a' left out")]).splitlines() == [
        "✓ huge files: 'a' left out",
        "✗ merge: a merge is under way",
        "    next: give it up",
        "! secrets: '.env'",
        "    next: leave it out",
        "- dirty tree: it is captured",
        "",
        "Not ready: 1 blocker, 1 warning, 1 note",
    ]
    assert report.as_text([]) == "Ready: a task can be started here"
    assert report.as_text([NOTE, NOTE]).splitlines()[-1] == "Ready: a task can be started here (2 notes)"


def test_fields() -> None:
    fields = report.as_fields([WARNING], [Mended("links", "done")])
    assert fields == {
        "ready": True,
        "findings": [
            {
                "check": "secrets",
                "level": "warning",
                "sentence": "'.env'",
                "next_step": "leave it out",
                "mendable": True,
            }
        ],
        "mended": [{"check": "links", "sentence": "done"}],
    }
    assert report.as_fields([BLOCKER])["ready"] is False

"""An agent's output on disk."""

from pathlib import Path

from oneshot_orchestrator.agents.output import Capped


def test_output_is_kept_up_to_its_cap_and_its_end_is_remembered(tmp_path: Path) -> None:
    with Capped(tmp_path / "log", cap=10) as log:
        log(b"123456")
        assert (tmp_path / "log").read_bytes() == b"123456"  # at once, for who looks while it runs
        log(b"789abc")
        log(b"and no more\xff\n")
    log(b"after its end")
    assert (tmp_path / "log").read_bytes() == b"123456789a\n[the rest was left out: the output exceeds its cap]\n"
    assert log.last_words().endswith("and no more\ufffd\nafter its end")


def test_last_words_are_short(tmp_path: Path) -> None:
    with Capped(tmp_path / "log") as log:
        log(b"x" * 5000 + b"end\n")
    assert len(log.last_words()) <= 2048
    assert log.last_words().endswith("xend")

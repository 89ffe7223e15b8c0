"""An agent's output on disk."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from oneshot_orchestrator.agents.output import Capped, Lines


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


@given(st.lists(st.binary(max_size=8).map(lambda b: b.replace(b"\r", b"\n")), max_size=8))
def test_lines_come_whole_however_they_are_cut(chunks: list[bytes]) -> None:
    found: list[bytes] = []
    lines = Lines(found.append, cap=5)
    for chunk in chunks:
        lines(chunk)
    assert found == [line for line in b"".join(chunks).split(b"\n")[:-1] if len(line) <= 5]


def test_a_line_without_end_costs_neither_memory_nor_time() -> None:
    found: list[bytes] = []
    lines = Lines(found.append)
    chunk = b"x" * 65536
    for _ in range(1600):  # 100 MB
        lines(chunk)
        assert sum(map(len, lines._pieces)) <= 1024 * 1024
    lines(b"\nnext\n")
    assert found == [b"next"]

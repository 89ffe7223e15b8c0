"""What the capture benchmark prints, on small trees; the bars are judged where nothing else is at work."""

from benchmarks import programs


async def test_start_and_end_are_measured_for_each_size() -> None:
    code, out, err = await programs.run("capture.py", "--json", "--repeat", "1", "--files", "30", "60")
    assert (code, err) == (0, "")
    assert list(programs.judged(out)) == ["capture_start_30", "capture_end_30", "capture_start_60", "capture_end_60"]

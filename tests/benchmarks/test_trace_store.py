"""What the trace store's benchmark prints, at a tenth of its size; the bars are judged where nothing else is at work."""

import pytest

from benchmarks import programs


@pytest.mark.timeout(300)
async def test_a_real_session_is_measured_and_small() -> None:
    code, out, err = await programs.run("trace_store.py", "--json", "--repeat", "20")
    assert (code, err) == (0, "")
    found = programs.judged(out)
    assert list(found) == [
        "store_turns_3",
        "store_turns_20",
        "store_growth",
        "store_memory",
        "store_memory_sessions",
    ]
    # bytes are the same on every machine: pages of 4 KiB weigh more in 20 turns than in the 200 for which 1.5 is the bar
    assert found["store_turns_20"]["ratio"] < 1.8
    assert found["store_growth"]["ratio"] < 2
    assert found["store_memory"]["ratio"] < 1.5
    assert found["store_memory_sessions"]["ratio"] < 1.5

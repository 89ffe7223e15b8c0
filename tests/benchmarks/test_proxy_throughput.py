"""What the throughput benchmark prints; never how long it took."""

import pytest

from benchmarks import programs


@pytest.mark.timeout(300)
async def test_requests_and_turns_of_the_loop_are_measured() -> None:
    code, out, err = await programs.run("proxy_throughput.py", "--json", "--repeat", "1")
    assert (code, err) == (0, "")
    assert set(programs.judged(out)) == {
        "throughput",
        "throughput_latency",
        "throughput_direct",
        "throughput_cpu",
        "throughput_longest_turn",
        "throughput_longest_turn_cpu",
        "throughput_large_turn",
        "throughput_large_turn_cpu",
    }
